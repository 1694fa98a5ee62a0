// Markdown as elements. Nothing here parses HTML: every piece of the text becomes a text node or a known element, a link goes
// to http, https or mailto only, and an image is a link to it, so that no reply can load or run anything.

import { make } from "./page.js";

const DEEPEST = 8;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])(\s+|$)(.*)$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const URL_START = /^https?:\/\/[^\s<>"']+/;

/** Show `text` in `element`. What did not change since the last call keeps its elements, so a stream can call this often. */
export function showMarkdown(element, text) {
  const made = blocks(text.split("\n"));
  const shown = element.shownBlocks ?? [];
  let same = 0;
  while (same < made.length && same < shown.length && made[same] === shown[same]) same += 1;
  while (element.childNodes.length > same) element.lastChild.remove();
  for (const source of made.slice(same)) element.append(block(source.split("\n"), 0));
  element.shownBlocks = made;
}

/** Cut lines into the sources of top-level blocks. */
function blocks(lines) {
  const found = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) { at += 1; continue; }
    const end = endOf(lines, at);
    found.push(lines.slice(at, end).join("\n"));
    at = end;
  }
  return found;
}

function endOf(lines, at) {
  const fence = FENCE.exec(lines[at]);
  if (fence) {
    const closing = new RegExp(`^ {0,3}${fence[1][0]}{${fence[1].length},}\\s*$`);
    const end = lines.findIndex((line, index) => index > at && closing.test(line));
    return end < 0 ? lines.length : end + 1;
  }
  if (HEADING.test(lines[at]) || RULE.test(lines[at])) return at + 1;
  if (ITEM.test(lines[at])) return endOfList(lines, at);
  if (QUOTE.test(lines[at])) return firstAfter(lines, at, (line) => !QUOTE.test(line));
  if (isTable(lines, at)) return firstAfter(lines, at, (line) => !line.includes("|"));
  return firstAfter(lines, at, (line, index) => !line.trim() || FENCE.test(line) || HEADING.test(line) || QUOTE.test(line)
    || RULE.test(line) || ITEM.test(line) || isTable(lines, index));
}

const firstAfter = (lines, at, ends) => {
  for (let index = at + 1; index < lines.length; index += 1) if (ends(lines[index], index)) return index;
  return lines.length;
};

const isTable = (lines, at) => lines[at].includes("|") && at + 1 < lines.length && lines[at + 1].includes("-") && TABLE_RULE.test(lines[at + 1]);
const isOrdered = (item) => /\d/.test(item[2]);
const indentOf = (line) => line.length - line.trimStart().length;

/** A list goes on over indented lines, lines of its own kind, and a blank line that is followed by either. */
function endOfList(lines, at) {
  const first = ITEM.exec(lines[at]);
  const base = first[1].length;
  const goesOn = (line) => {
    const item = ITEM.exec(line);
    return indentOf(line) > base || (item !== null && isOrdered(item) === isOrdered(first) && !RULE.test(line));
  };
  return firstAfter(lines, at, (line, index) => {
    if (line.trim()) return !goesOn(line) && (!lines[index - 1].trim() || FENCE.test(line) || HEADING.test(line) || ITEM.test(line) || RULE.test(line));
    return index + 1 >= lines.length || !lines[index + 1].trim() || !goesOn(lines[index + 1]);
  });
}

function block(lines, depth) {
  const fence = FENCE.exec(lines[0]);
  if (fence) return code(lines, fence);
  const heading = HEADING.exec(lines[0]);
  if (heading) return make(`h${Math.min(6, heading[1].length + 1)}`, {}, ...inline(heading[2], 0));
  if (RULE.test(lines[0])) return make("hr");
  if (depth < DEEPEST && ITEM.test(lines[0])) return list(lines, depth);
  if (depth < DEEPEST && QUOTE.test(lines[0])) return make("blockquote", {}, ...nested(lines.map((line) => QUOTE.exec(line)[1]), depth));
  if (isTable(lines, 0)) return table(lines);
  return make("p", { dir: "auto" }, ...broken(lines));
}

const nested = (lines, depth) => blocks(lines).map((source) => block(source.split("\n"), depth + 1));

/** Lines of one paragraph: a line break stays one, as people expect of a chat. */
const broken = (lines) => lines.flatMap((line, index) => [...(index ? [make("br")] : []), ...inline(line.trim(), 0)]);

function code(lines, fence) {
  const last = lines.length > 1 && /^ {0,3}(`{3,}|~{3,})\s*$/.test(lines.at(-1)) ? -1 : undefined;
  const text = lines.slice(1, last).join("\n");
  const copy = make("button", { type: "button", class: "small quiet copy-code" }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  });
  const head = make("div", { class: "code-head" }, make("span", {}, fence[2] || "text"), copy);
  return make("div", { class: "code" }, head, make("pre", { tabindex: "0" }, make("code", {}, text)));
}

function list(lines, depth) {
  const first = ITEM.exec(lines[0]);
  const base = first[1].length;
  const items = [];
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item && item[1].length <= base + 1) items.push({ indent: item[1].length + item[2].length + 1, lines: [item[4]] });
    else items.at(-1).lines.push(line.slice(Math.min(indentOf(line), items.at(-1).indent)));
  }
  const loose = items.some((one) => one.lines.slice(0, -1).some((line) => !line.trim()));
  const made = items.map((one) => make("li", { dir: "auto" }, ...itemParts(one.lines, depth, loose)));
  const start = isOrdered(first) ? Number.parseInt(first[2], 10) : null;
  return make(start === null ? "ul" : "ol", { start: start === null || start === 1 ? null : String(start) }, ...made);
}

function itemParts(lines, depth, loose) {
  const box = /^\[([ xX])\]\s+/.exec(lines[0]);
  const kept = box ? [lines[0].slice(box[0].length), ...lines.slice(1)] : lines;
  const parts = nested(kept, depth).flatMap((part) => (!loose && part.tagName === "P" ? [...part.childNodes] : [part]));
  return box ? [make("span", { class: "box", role: "img", "aria-label": box[1] === " " ? "to do" : "done" }, box[1] === " " ? "☐" : "☑"), " ", ...parts] : parts;
}

function table(lines) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
  const head = cells(lines[0]);
  const row = (line, tag) => make("tr", {}, ...head.map((_, index) => make(tag, {}, ...inline(cells(line)[index] ?? "", 0))));
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Table" },
    make("table", {}, make("thead", {}, row(lines[0], "th")), make("tbody", {}, ...lines.slice(2).map((line) => row(line, "td")))));
}

const MARKS = [["**", "strong"], ["__", "strong"], ["~~", "del"], ["*", "em"], ["_", "em"]];

/** Return the nodes of one line. Looks at each place once: a mark that finds no partner is not searched for again. */
export function inline(text, depth) {
  const nodes = [];
  const hopeless = new Set();
  let plain = "";
  let at = 0;
  const flush = () => { if (plain) nodes.push(document.createTextNode(plain)); plain = ""; };
  const put = (node, next) => { flush(); nodes.push(node); at = next; };
  while (at < text.length) {
    const found = depth < DEEPEST ? piece(text, at, depth, hopeless) : null;
    if (found) put(found.node, found.next);
    else if (text[at] === "\\" && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "")) { plain += text[at + 1]; at += 2; }
    else { plain += text[at]; at += 1; }
  }
  flush();
  return nodes;
}

function piece(text, at, depth, hopeless) {
  const character = text[at];
  if (character === "`") return codeSpan(text, at, hopeless);
  if (character === "[" || (character === "!" && text[at + 1] === "[")) return link(text, character === "!" ? at + 1 : at, depth, hopeless) ?? citation(text, at);
  if (character === "h" && !/\w/.test(text[at - 1] ?? " ")) return bareLink(text, at);
  for (const [mark, tag] of MARKS) {
    if (!text.startsWith(mark, at)) continue;
    const end = partner(text, at, mark, hopeless);
    if (end > 0) return { node: make(tag, {}, ...inline(text.slice(at + mark.length, end), depth + 1)), next: end + mark.length };
  }
  return null;
}

function codeSpan(text, at, hopeless) {
  let n = 1;
  while (text[at + n] === "`") n += 1;
  const ticks = "`".repeat(n);
  if (hopeless.has(ticks)) return null;
  let end = text.indexOf(ticks, at + n);
  while (end >= 0 && (text[end + n] === "`" || text[end - 1] === "`")) end = text.indexOf(ticks, end + 1);
  if (end < 0) { hopeless.add(ticks); return null; }
  return { node: make("code", {}, text.slice(at + n, end).trim()), next: end + n };
}

/** Where emphasis that opens at `at` closes: marks hug the words, and an underscore inside a word is a letter. */
function partner(text, at, mark, hopeless) {
  const start = at + mark.length;
  if (hopeless.has(mark) || !/\S/.test(text[start] ?? "") || (mark[0] === "_" && /\w/.test(text[at - 1] ?? ""))) return -1;
  for (let end = text.indexOf(mark, start + 1); end >= 0; end = text.indexOf(mark, end + 1)) {
    const single = mark.length === 1 && (text[end + 1] === mark || text[end - 1] === mark);
    if (/\S/.test(text[end - 1]) && !single && !(mark[0] === "_" && /\w/.test(text[end + mark.length] ?? ""))) return end;
  }
  hopeless.add(mark);
  return -1;
}

function link(text, at, depth, hopeless) {
  if (hopeless.has("](")) return null;
  const middle = text.indexOf("](", at);
  if (middle < 0) { hopeless.add("]("); return null; }
  const end = text.indexOf(")", middle);
  const label = text.slice(at + 1, middle);
  if (end < 0 || label.includes("[")) return null;
  const [target] = text.slice(middle + 2, end).trim().split(/\s+/);
  const node = anchor(target, inline(label || target, depth + 1));
  return node && { node, next: end + 1 };
}

/** [1], which may name a source; the page makes it a way there if it does. */
function citation(text, at) {
  const found = /^\[\d{1,3}\]/.exec(text.slice(at, at + 5));
  return found && { node: make("span", { class: "cite" }, found[0]), next: at + found[0].length };
}

function bareLink(text, at) {
  const found = URL_START.exec(text.slice(at, at + 2000));
  if (!found) return null;
  const target = found[0].replace(/[.,;:!?)\]*_~`]+$/, "");
  const node = anchor(target, [document.createTextNode(target)]);
  return node && { node, next: at + target.length };
}

/** A link, if it goes where a link may go; its target is shown to whoever points at it. */
function anchor(target, children) {
  let url;
  try { url = new URL(target); } catch { return null; }
  if (!["http:", "https:", "mailto:"].includes(url.protocol)) return null;
  return make("a", { href: url.href, title: url.href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}
