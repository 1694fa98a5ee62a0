// The chat page: what happens when something is pressed, and what is asked of the server.

import { canRead, contextFor, drawGrounds, groundsDialog, loadGrounds, pointedAt } from "./grounds.js";
import { hintLater, quiet } from "./hints.js";
import { icon } from "./icons.js";
import { showMarkdown } from "./markdown.js";
import { $, Refused, ask, make, notice, post, said } from "./page.js";
import { receiptView } from "./receipt.js";
import { keep, loadSettings, settings, settingsDialog, visitor } from "./settings.js";
import { complete } from "./stream.js";
import { Talk } from "./talk.js";
import { TASKS, TONES, onPages, withTask } from "./tasks.js";
import { askedView, button, liveView, repliesView } from "./thread.js";

const KEY = "tunesmith:chat:key"; // the server's key, for this tab only
const page = { talk: new Talk(), models: [], live: null, openSettings: () => {}, openPages: () => {} };
const thread = $("#thread");
const box = $("#message");

// The server ------------------------------------------------------------------------------------------------------------

const headers = () => { const key = sessionStorage.getItem(KEY); return key ? { Authorization: `Bearer ${key}` } : {}; };
const send = (path, body) => post(`/chat/api/${path}`, body, headers());
const get = (path) => ask(`/chat/api/${path}`, headers());
const inTalk = (path, body) => send(`conversations/${page.talk.id}/${path}`, body);

function explain(error) {
  if (error instanceof Refused && error.status === 401) return askForKey();
  notice(error instanceof Refused ? error.message : "The server cannot be reached. Please try again.", null, "", 10_000);
}

function askForKey() {
  const field = make("input", { type: "password", autocomplete: "off", required: true, "aria-label": "Key", autofocus: true });
  const form = make("form", { method: "dialog", class: "form" }, make("h2", {}, "This server asks for a key"), field, make("button", { class: "primary" }, "Go on"));
  const dialog = make("dialog", { "aria-label": "Key" }, form);
  dialog.addEventListener("close", () => { dialog.remove(); if (field.value) { sessionStorage.setItem(KEY, field.value.trim()); start(); } });
  document.body.append(dialog);
  dialog.showModal();
}

/** Read the conversation again; with `awaited`, until the server has stored those replies. */
async function reload(awaited = []) {
  for (let tries = 0; ; tries += 1) {
    const state = await get(`conversations/${page.talk.id}`);
    const chosen = page.talk.chosen;
    page.talk = new Talk(state);
    page.talk.chosen = chosen;
    if (awaited.every((id) => page.talk.replies.some((one) => one.id === id))) return;
    if (tries === 100) throw new Error("the reply was not stored");
    await new Promise((done) => { setTimeout(done, 150); });
  }
}

// Asking ----------------------------------------------------------------------------------------------------------------

async function submit(text) {
  const asked = text.trim();
  if (!asked || page.live) return;
  const last = page.talk.turns().at(-1);
  if (last && last.goesOn === null) { announce("Please say first which reply is better."); $(".vote button")?.focus(); return; }
  box.value = "";
  quiet();
  fitBox();
  await reply(asked, last ? last.goesOn : null);
}

/** Ask for one reply, or two side by side, to `asked` after the reply `parent`; `instead` is the reply to do better than. */
async function reply(asked, parent, { instead = null, pair = settings.sideBySide && !instead } = {}) {
  const live = { controller: new AbortController(), parent, asked };
  page.live = live;
  try {
    await ensureTalk(asked);
    page.talk.showNewest(parent, asked);
    const drawn = pair ? await inTalk("pair", { models: [settings.model, settings.second] }) : { pair: null, models: [settings.model] };
    const view = liveView(drawn.models.length);
    live.element = view.element;
    draw();
    stayAtEnd(true);
    const ended = await Promise.all(drawn.models.map((model, index) => streamInto(view.bodies[index], model, live, drawn.pair)));
    const ids = ended.map((one) => one.id).filter(Boolean);
    page.live = null;
    await reload(ids);
    if (instead && ids[0]) { await feedback("regeneration", ids[0], {}, instead.id); await reload(); }
    announce(ended.some((one) => one.finish === "cancelled") ? "Stopped." : "The reply is there.");
  } catch (error) {
    if (!box.value) { box.value = instead ? "" : asked; fitBox(); }
    live.controller.abort();
    explain(error);
  } finally {
    page.live = null;
    const end = atEnd();
    draw();
    stayAtEnd(end);
    drawTalks();
  }
}

function streamInto(body, model, live, pair) {
  const context = contextFor(model);
  let text = "";
  let due = false;
  const show = () => { due = false; const end = atEnd(); showMarkdown(body, text); stayAtEnd(end); };
  return complete({
    model,
    messages: [...page.talk.history(settings.system, live.parent), { role: "user", content: live.asked }],
    temperature: settings.temperature,
    max_tokens: settings.maxTokens,
    ...(sessionStorage.getItem(KEY) ? {} : { user: visitor() }),
    ...(context ? { context } : {}),
    metadata: { conversation: page.talk.id, ...(live.parent ? { parent: live.parent } : {}), ...(pair ? { pair } : {}) },
  }, {
    signal: live.controller.signal,
    headers: headers(),
    onText: (piece) => { text += piece; if (!due) { due = true; requestAnimationFrame(show); } },
  });
}

async function ensureTalk(asked) {
  if (page.talk.id) return;
  const made = await send("conversations", { title: asked.split("\n")[0].slice(0, 80), consent: $("#consent").checked });
  page.talk.id = made.conversation.id;
  page.talk.title = made.conversation.title;
  page.talk.consent = made.conversation.consent;
  history.replaceState(null, "", `#${page.talk.id}`);
}

const feedback = (kind, reply, payload, other = null) => inTalk("feedback", { key: crypto.randomUUID?.() ?? randomKey(), kind, reply, payload, ...(other ? { other } : {}) });
const randomKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");

// What can be done about a turn --------------------------------------------------------------------------------------------

const acts = {
  choose(turn, change) { page.talk.choose(turn, change); draw(); },
  async copy(text) { await navigator.clipboard.writeText(text); notice("Copied"); },
  regenerate(turn, one) { if (!page.live) reply(turn.asked, turn.parent, { instead: one, pair: false }); },
  async thumb(one, value) { await tell(() => feedback("thumb", one.id, { value }), { up: "Noted: a good reply", down: "Noted: a bad reply", none: "Taken back" }[value]); },
  async vote(turn, choice) { await tell(() => feedback("vote", turn.replies[0].id, { choice }, turn.replies[1].id), "Thank you. Here is who wrote which."); box.focus(); },
  edit(one, body) { editText(body, page.talk.textOf(one), "Save the edit", (text) => tell(() => feedback("edit", one.id, { text }), "Saved: this is how it should read")); },
  askAgain(turn) {
    const bubble = thread.querySelector(`[data-parent="${turn.parent ?? ""}"] .bubble`);
    editText(bubble, turn.asked, "Send", (text) => reply(text.trim(), turn.parent));
  },
  receipt(receipt) { showDialog("What the model read", receiptView(receipt)); },
  page(name) { showPage(name); },
};

async function tell(action, words) {
  try {
    await action();
    await reload();
    draw();
    notice(words);
  } catch (error) { explain(error); }
}

function editText(element, text, label, save) {
  const field = make("textarea", { class: "editor", "aria-label": "Text", rows: String(Math.min(16, text.split("\n").length + 2)) });
  field.value = text;
  const done = () => { if (field.value.trim() && field.value !== text) save(field.value); else draw(); };
  const form = make("div", { class: "editing" }, field, make("div", { class: "actions" }, make("button", { type: "button", class: "primary small", click: done }, label), make("button", { type: "button", class: "small", click: draw }, "Cancel")));
  field.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); draw(); } if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) done(); });
  element.replaceWith(form);
  field.focus();
}

async function showPage(name) {
  try {
    const page = await send("pages/text", { name });
    const notes = [...(page.left_out ? [`${page.left_out.toLocaleString("en")} more characters are not shown here.`] : []), ...page.notes];
    showDialog(page.title, [make("p", { class: "muted" }, page.name), said(page.text), ...notes.map((note) => make("p", { class: "muted" }, note))]);
  } catch (error) { explain(error); }
}

function showDialog(title, content) {
  const dialog = make("dialog", { "aria-label": title }, make("h2", { tabindex: "-1", autofocus: true }, title), ...content,
    make("div", { class: "actions" }, make("button", { type: "button", class: "primary", click: () => dialog.close() }, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

// Drawing ---------------------------------------------------------------------------------------------------------------

function draw() {
  const turns = page.talk.turns();
  const before = page.live ? turns.findIndex((turn) => turn.parent === page.live.parent) : -1;
  const shown = before < 0 ? turns : turns.slice(0, before);
  const parts = shown.map((turn) => make("div", { class: "turn-block", "data-parent": turn.parent ?? "" }, askedView(turn, acts), repliesView(turn, page.talk, acts)));
  if (page.live?.element) parts.push(make("div", { class: "turn-block" }, make("article", { class: "asked", "aria-label": "You" }, make("div", { class: "bubble" }, said(page.live.asked))), page.live.element));
  thread.replaceChildren(...(parts.length ? parts : [welcome()]));
  document.body.classList.toggle("fresh", parts.length === 0);
  $("#title").textContent = page.talk.title || "New chat";
  document.title = `${page.talk.title || "Chat"} · tunesmith`;
  $("#send").hidden = page.live !== null;
  $("#stop").hidden = page.live === null;
  $("#consent").checked = page.talk.id ? page.talk.consent : settings.consent;
  drawSettings();
}

function welcome() {
  return make("div", { class: "welcome" }, make("h2", {}, "What shall we work on?"),
    make("p", { class: "muted" }, "Ask anything, or paste a text below and press what to do with it. Rate, edit or compare the replies: that is what the next model learns from, if you let it."));
}

function drawSettings() {
  const both = settings.sideBySide;
  const pill = $("#side-by-side");
  pill.replaceChildren(icon("columns"), make("span", { class: "pill-text" }, "Side by side"));
  pill.hidden = page.models.length < 2;
  pill.setAttribute("aria-pressed", String(both));
  $("#open-settings").replaceChildren(icon("sliders"), make("span", { class: "pill-text" }, both ? "Two models, blind" : settings.model || "No model"));
  $("#open-settings").setAttribute("aria-label", `Model and settings: ${both ? "two models, blind" : settings.model}`);
  drawGrounds(() => { drawSettings(); fitBox(); });
}

async function drawTalks() {
  try {
    const { conversations } = await get("conversations");
    $("#no-talks").hidden = conversations.length > 0;
    $("#talks").replaceChildren(...conversations.map((one) => make("li", { class: one.id === page.talk.id ? "current" : null },
      make("a", { href: `#${one.id}`, "aria-current": one.id === page.talk.id ? "page" : null }, one.title || "Untitled"),
      button("trash", `Delete ${one.title || "the conversation"}`, () => erase(one)))));
  } catch (error) { explain(error); }
}

function erase(one) {
  const gone = async () => {
    dialog.close();
    try {
      await send(`conversations/${one.id}/erase`, {});
      if (one.id === page.talk.id) fresh(); else drawTalks();
      notice("Deleted");
    } catch (error) { explain(error); }
  };
  const dialog = make("dialog", { "aria-label": "Delete the conversation" }, make("h2", {}, "Delete this conversation?"),
    make("p", {}, "Its texts and what you said about them are removed for good. Records that were exported before keep what they hold."),
    make("div", { class: "actions" }, make("button", { type: "button", class: "primary danger", click: gone }, "Delete"), make("button", { type: "button", click: () => dialog.close() }, "Keep it")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

const announce = (text) => { $("#said").textContent = ""; requestAnimationFrame(() => { $("#said").textContent = text; }); };
const scroller = () => $("#main");
const atEnd = () => scroller().scrollHeight - scroller().scrollTop - scroller().clientHeight < 80;
function stayAtEnd(end) { if (end) scroller().scrollTop = scroller().scrollHeight; }

function fitBox() {
  box.rows = Math.min(12, Math.max(1, box.value.split("\n").length));
  $("#send").disabled = !box.value.trim();
  $("#tasks").classList.toggle("ready", Boolean(box.value.trim()) || pointedAt().length > 0);
}

// Coming and going --------------------------------------------------------------------------------------------------------

function fresh() {
  page.live?.controller.abort();
  page.talk = new Talk();
  history.replaceState(null, "", location.pathname);
  draw();
  drawTalks();
  showSide(false);
  box.focus();
}

async function open(id) {
  page.live?.controller.abort();
  page.talk = new Talk();
  page.talk.id = id;
  try {
    await reload();
    draw();
    stayAtEnd(true);
  } catch (error) { explain(error); fresh(); }
  drawTalks();
  showSide(false);
}

function showSide(shown) {
  $("#side").classList.toggle("shown", shown);
  $("#veil").hidden = !shown;
  $("#open-side").setAttribute("aria-expanded", String(shown));
  if (shown) $("#close-side").focus();
}

function drawTasks() {
  const use = (task) => {
    const pages = pointedAt().length;
    if (box.value.trim()) submit(withTask(task, box.value));
    else if (pages) submit(onPages(task, pages));
    else if (canRead()) { notice(`Paste or write the text first, or choose a page, then press “${task.label}”.`, () => page.openPages(), "Choose"); }
    else { notice(`Paste or write the text first, then press “${task.label}”.`); box.focus(); }
  };
  const chips = TASKS.map((task) => make("button", { type: "button", class: "chip", click: () => use(task) }, task.label));
  const tone = make("select", { class: "chip", "aria-label": "Change the tone" }, make("option", { value: "" }, "Change tone"), ...TONES.map((one, index) => make("option", { value: String(index) }, one.label)));
  tone.addEventListener("change", () => { const chosen = TONES[Number(tone.value)]; tone.value = ""; use(chosen); });
  $("#tasks").replaceChildren(...chips, tone);
}

function wire() {
  $("#composer").addEventListener("submit", (event) => { event.preventDefault(); submit(box.value); });
  box.addEventListener("input", () => { fitBox(); hintLater(box.value, () => ({ first: page.talk.replies.length === 0, has_pages: pointedAt().length > 0 }), headers); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(box.value); }
  });
  $("#stop").addEventListener("click", () => { page.live?.controller.abort(); box.focus(); });
  $("#new-talk").addEventListener("click", fresh);
  $("#open-side").addEventListener("click", () => showSide(true));
  $("#close-side").addEventListener("click", () => { showSide(false); $("#open-side").focus(); });
  $("#veil").addEventListener("click", () => showSide(false));
  $("#side-by-side").addEventListener("click", () => { keep({ sideBySide: !settings.sideBySide }); drawSettings(); });
  $("#open-settings").addEventListener("click", () => page.openSettings());
  $("#open-pages").addEventListener("click", () => page.openPages());
  $("#open-pages").append(icon("page"));
  $("#consent").addEventListener("change", async (event) => {
    keep({ consent: event.target.checked });
    if (!page.talk.id) return;
    try { await inTalk("consent", { consent: event.target.checked }); page.talk.consent = event.target.checked; } catch (error) { explain(error); }
  });
  addEventListener("hashchange", () => { const id = location.hash.slice(1); if (id && id !== page.talk.id) open(id); });
  document.addEventListener("keydown", onKey);
  $("#new-talk").append(icon("plus"), "New chat");
  $("#open-side").append(icon("menu"));
  $("#close-side").append(icon("close"));
  $("#send").append(icon("send"));
  $("#stop").append(icon("stop"));
}

function onKey(event) {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") { if (page.live) page.live.controller.abort(); else showSide(false); }
  if (event.ctrlKey || event.metaKey || event.altKey || /^(?:INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  const vote = /^[1-4]$/.test(event.key) ? document.querySelectorAll(".vote button")[Number(event.key) - 1] : null;
  if (vote) { event.preventDefault(); vote.click(); }
  if (event.key === "/") { event.preventDefault(); box.focus(); }
}

async function start() {
  try {
    const server = await get("models");
    page.models = server.models;
    loadSettings(server.models, server.max_tokens, server.fitted);
    await loadGrounds(server, headers);
    page.openPages = groundsDialog(() => { drawSettings(); fitBox(); }, showPage);
    page.openSettings = settingsDialog(page.models, drawSettings);
    draw();
    fitBox();
    const id = location.hash.slice(1);
    if (/^[0-9a-f]{24}$/.test(id)) await open(id); else await drawTalks();
  } catch (error) { explain(error); }
}

wire();
drawTasks();
fitBox();
start();
