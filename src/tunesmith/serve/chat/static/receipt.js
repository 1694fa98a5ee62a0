// What a model read for one reply: its sources under the reply, and the whole account on demand.

import { make, said } from "./page.js";

const number = (n) => n.toLocaleString("en");
const isOut = (entry) => entry.state === "out";
const isSource = (entry) => entry.kind === "page" || entry.kind === "passage";
const nameOf = (entry) => (entry.label || [entry.name, entry.heading].filter(Boolean).join(", "));
/** A source's name where there is little room: the page and the innermost heading. */
const shortName = (entry) => nameOf(entry).replace(/, .* > /, ", ");
const plural = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

/** The line under a reply: the sources that went in, and what did not; null where there is nothing to say. */
export function sourcesLine(receipt, acts) {
  const used = receipt.entries.filter((entry) => isSource(entry) && !isOut(entry));
  const left = receipt.entries.filter(isOut);
  if (!used.length && !left.length && !receipt.passages_searched) return null;
  const words = used.length ? "Read" : receipt.passages_searched && !left.some(isSource) ? "Found nothing that fits in the pages" : "Read no page";
  const shown = used.map((entry) => make("button", { type: "button", class: "cite-source", title: nameOf(entry), click: () => acts.page(entry.name) }, `${shortName(entry)}${entry.state === "cut" ? " (cut)" : ""}`));
  const total = make("button", { type: "button", class: "cite-more", click: () => acts.receipt(receipt) },
    [`${number(receipt.prompt_tokens)} of ${number(receipt.prompt_tokens + receipt.free)} tokens`, left.length ? `${number(left.length)} left out` : null].filter(Boolean).join(", "));
  return make("div", { class: "sources-line", role: "group", "aria-label": "What the model read" }, make("span", { class: "muted" }, words), ...shown, total);
}

/** Turn [1] in a reply into a way to that source, where the receipt has it. */
export function linkCitations(body, receipt, acts) {
  for (const mark of body.querySelectorAll(".cite")) {
    const entry = receipt.entries.find((one) => one.label.startsWith(`${mark.textContent} `));
    if (entry) mark.replaceWith(make("button", { type: "button", class: "cite", title: nameOf(entry), click: () => acts.page(entry.name) }, mark.textContent));
  }
}

/** The whole account, as the content of a dialog. */
export function receiptView(receipt) {
  const room = receipt.prompt_tokens + receipt.free;
  const taken = receipt.entries.filter((entry) => !isOut(entry));
  const left = receipt.entries.filter(isOut);
  return [
    make("p", {}, `${number(receipt.prompt_tokens)} of ${number(room)} tokens are used; ${number(receipt.max_tokens)} more are kept for the answer.`),
    make("progress", { value: String(receipt.prompt_tokens), max: String(Math.max(1, room)), "aria-label": "Tokens used" }),
    section("Went in", taken, (entry) => (entry.state === "cut" ? `${number(entry.tokens)} of ${count(entry)} tokens` : plural(entry.tokens, "token"))),
    left.length ? section("Left out", left, (entry) => `${count(entry)} tokens`) : null,
    receipt.notes.length ? make("ul", { class: "receipt-notes muted" }, ...receipt.notes.map((note) => make("li", {}, said(note)))) : null,
  ].filter(Boolean);
}

const count = (entry) => (entry.needed === null ? "very many" : number(entry.needed));

function section(title, entries, tokens) {
  const rows = entries.map((entry) => make("li", {}, make("span", {}, nameOf(entry), entry.reason ? make("span", { class: "why muted" }, entry.reason) : null), make("span", { class: "count muted" }, tokens(entry))));
  return make("section", {}, make("h3", {}, title), make("ul", { class: "account" }, ...rows));
}
