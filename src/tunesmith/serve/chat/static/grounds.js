// What the next question may draw on: nothing, whatever fits it, or pages that the person pointed at.

import { icon } from "./icons.js";
import { $, ask, make, said } from "./page.js";
import { keep, settings } from "./settings.js";

const FOUND = 20; // most passages that the search may offer; the token limit decides how many go in
const MOST = 50; // pages that can be pointed at together
const known = { pages: [], unread: [], fitted: {}, workspace: false };

/** Take over what the server said about its models, and the workspace's pages if it has one. */
export async function loadGrounds(server, headers) {
  Object.assign(known, { pages: [], unread: [], fitted: server.fitted, workspace: server.workspace });
  if (known.workspace) Object.assign(known, await ask("/chat/api/pages", headers()));
  const names = new Set(known.pages.map((one) => one.name));
  keep({ pages: settings.pages.filter((name) => names.has(name)) });
}

const asked = () => (settings.sideBySide ? [settings.model, settings.second] : [settings.model]);
/** Whether the chosen models can read pages. */
export const canRead = () => known.workspace && asked().every((model) => model in known.fitted);
/** The pages pointed at, if they will be read. */
export const pointedAt = () => (canRead() ? settings.pages : []);

/** The request's `context` for a model; null where its tokens cannot be counted, and nothing is fitted. */
export function contextFor(model) {
  if (!(model in known.fitted)) return null;
  const pages = pointedAt();
  return { pages, passages: canRead() && settings.search && !pages.length ? FOUND : 0 };
}

/** Draw the button and what is chosen, above the message box. */
export function drawGrounds(changed) {
  const used = canRead() && (settings.search || settings.pages.length > 0);
  $("#open-pages").hidden = !known.workspace;
  $("#open-pages").setAttribute("aria-pressed", String(used));
  const row = $("#sources");
  row.hidden = !known.workspace;
  row.replaceChildren(...chips(changed));
}

function chips(changed) {
  if (!canRead()) return [make("span", { class: "muted" }, "This model cannot read pages.")];
  const remove = (change) => () => { keep(change); changed(); $("#message").focus(); };
  const chip = (text, label, change) => make("span", { class: "source" }, icon("page"), make("span", { class: "source-name" }, text),
    make("button", { type: "button", class: "icon-button", "aria-label": label, click: remove(change) }, icon("close")));
  if (settings.pages.length) return settings.pages.map((name) => chip(name, `Leave ${name} out`, { pages: settings.pages.filter((one) => one !== name) }));
  return settings.search ? [chip("Finds what fits in the pages", "Do not search the pages", { search: false })] : [];
}

/** Wire the dialog; returns what opens it. `open` shows a page's text. */
export function groundsDialog(changed, open) {
  const box = $("#pages");
  const list = $("#page-list");
  const how = () => (settings.pages.length ? "these" : settings.search ? "find" : "none");
  const mark = () => { for (const one of box.querySelectorAll("input[name=how]")) one.checked = one.value === how(); };
  const row = (page) => {
    const tick = make("input", { type: "checkbox", checked: settings.pages.includes(page.name) });
    tick.addEventListener("change", () => {
      const rest = settings.pages.filter((name) => name !== page.name);
      if (tick.checked && rest.length >= MOST) { tick.checked = false; $("#page-count").textContent = `At most ${MOST} pages together.`; return; }
      keep({ pages: tick.checked ? [...rest, page.name] : rest });
      mark();
      changed();
    });
    const label = make("label", {}, tick, make("span", {}, make("span", { class: "page-title" }, page.title), make("span", { class: "muted page-name" }, page.name)));
    return make("li", { "data-find": `${page.title} ${page.name}`.toLowerCase() }, label,
      make("button", { type: "button", class: "icon-button", "aria-label": `Read ${page.name}`, click: () => open(page.name) }, icon("page")));
  };
  const filter = () => {
    const words = $("#page-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const one of list.children) one.hidden = !words.every((word) => one.dataset.find.includes(word));
    $("#page-count").textContent = `${[...list.children].filter((one) => !one.hidden).length} of ${known.pages.length} pages`;
  };
  $("#page-filter").addEventListener("input", filter);
  for (const one of box.querySelectorAll("input[name=how]")) {
    one.addEventListener("change", () => {
      if (one.value === "these") { $("#page-filter").focus(); return; }
      keep({ pages: [], search: one.value === "find" });
      for (const tick of list.querySelectorAll("input")) tick.checked = false;
      changed();
    });
  }
  box.addEventListener("close", mark);
  return () => {
    list.replaceChildren(...known.pages.map(row));
    $("#page-filter").value = "";
    filter();
    mark();
    const lines = known.unread.map((one) => make("li", {}, said(`${one.name} ${one.reason}`)));
    $("#unread").hidden = lines.length === 0;
    $("#unread").replaceChildren(make("summary", {}, `${lines.length} ${lines.length === 1 ? "file was" : "files were"} not read`), make("ul", {}, ...lines));
    box.showModal();
  };
}
