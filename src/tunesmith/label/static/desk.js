// The desk's pages: forms that send JSON, and the work page. One module, no framework, nothing loaded from elsewhere.
//
// What people or models wrote is only ever put into the page as text nodes. What a labeler does is kept in this browser's
// storage at every change, under their own number, until the server has acknowledged it.

/** @typedef {{letter: string, text: string}} Completion */

import { $, Refused, clock, make, notice, post, said } from "./page.js";

const user = document.body.dataset.user;

// Forms -----------------------------------------------------------------------------------------------------------------

function valueOf(field) {
  if (field.dataset.type === "boolean") return field.value === "true";
  if (field.dataset.type === "optional-number") return field.value === "" ? null : Number(field.value);
  if (field.dataset.type === "number") return Number(field.value);
  if (field.dataset.type === "list") return field.value.split(",").map((part) => part.trim()).filter(Boolean);
  return field.type === "number" ? Number(field.value) : field.value;
}

function nextPage() {
  const next = new URLSearchParams(location.search).get("next") ?? "/";
  return next.startsWith("/") && !next.startsWith("//") && !next.includes("\\") ? next : "/";
}

function showInvite(answer) {
  const line = $("#invite");
  line.replaceChildren("Send this link; it works once, for seven days: ", make("code", {}, new URL(answer.path, location.origin).href));
  line.hidden = false;
}

async function sendForm(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const button = $("button:not([type=button])", form);
  const problem = $(".problem", form);
  problem.textContent = "";
  button.disabled = true;
  try {
    const fields = [...form.elements].filter((field) => field.name);
    const answer = await post(form.dataset.post, Object.fromEntries(fields.map((field) => [field.name, valueOf(field)])));
    const then = form.dataset.then;
    if (then === "invite") showInvite(answer);
    else if (then === "reload") location.reload();
    else location.assign(then === "next" ? nextPage() : then);
  } catch (error) {
    problem.textContent = error instanceof Refused ? error.message : "The desk cannot be reached. Please try again.";
  } finally {
    button.disabled = false;
  }
}

// The buttons come disabled, so that nobody's click before this line is a browser's own submit, which puts fields into the URL.
for (const form of document.querySelectorAll("form[data-post]")) {
  form.addEventListener("submit", sendForm);
  $("button:not([type=button])", form).disabled = false;
}

// Drafts: this browser's storage --------------------------------------------------------------------------------------------

const drafts = {
  key: (kind, item) => `tunesmith:${kind}:${user}:${item}`,
  read(kind, item) {
    try {
      return JSON.parse(localStorage.getItem(this.key(kind, item)));
    } catch {
      return null;
    }
  },
  write(kind, item, value) {
    try {
      localStorage.setItem(this.key(kind, item), JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  },
  /** The items with a submit that nobody has answered yet. */
  left() {
    const prefix = this.key("outbox", "");
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    } catch {
      return [];
    }
  },
  drop(kind, item) {
    try {
      localStorage.removeItem(this.key(kind, item));
    } catch { /* storage is off: nothing was kept, so nothing is to be dropped */ }
  },
};

// The work page -----------------------------------------------------------------------------------------------------------

const REASONS = [
  "I do not understand the prompt",
  "I do not know enough about it",
  "It is in a language I do not read",
  "I would rather not read this",
  "Something is broken",
];
const KEYS = {
  rank: [["1–7", "rate the marked completion and go to the next"], ["← → or j k", "mark another completion"],
    ["letters", "set a flag on it, as shown beside each"], ["Shift ↑ ↓", "move it in the order"],
    ["=", "tie it with the one above"], ["x", "none is acceptable"], ["y", "sure: keep an order that contradicts the ratings"]],
  pair: [["1 or ←", "A is better"], ["2 or →", "B is better"], ["3 or =", "a tie"], ["4 or x", "both are bad"]],
  flag: [["1", "sensitive"], ["2", "not sensitive"]],
  assess: [],
  write: [["Ctrl Enter", "submit"]],
  edit: [["Ctrl Enter", "submit"]],
};
const COMMON_KEYS = [["Enter", "submit"], ["s", "skip, with a reason"], ["u", "undo the last submit or skip"], ["?", "this list"]];
const digitOf = (event) => Number(/^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1] ?? NaN);
const asText = { tie: "Tie", both_bad: "Both bad" };

class Work {
  constructor(root) {
    this.root = root;
    this.task = root.dataset.task;
    this.kind = root.dataset.kind;
    this.flags = JSON.parse(root.dataset.flags);
    this.review = root.dataset.review ?? null;
    this.item = null;
    this.last = null;
    this.sending = false;
    document.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("visibilitychange", () => this.countTime());
    addEventListener("storage", (event) => this.onOtherTab(event));
    addEventListener("online", () => this.item && this.flush());
    addEventListener("beforeunload", (event) => { if (this.sending || (this.item && !this.kept)) event.preventDefault(); });
    setInterval(() => this.item && !this.review && post(`/api/items/${this.item.id}/renew`).catch(() => {}), 300_000);
  }

  // Coming and going

  async load(wait = 1000) {
    clearTimeout(this.loadAgain);
    try {
      await this.sendLeft();
      const path = this.review ? `/api/items/${this.review}/review` : `/api/tasks/${this.task}/next`;
      this.show(await post(path));
    } catch (error) {
      const again = () => this.load(Math.min(30_000, wait * 2));
      this.banner(error, again);
      if (!(error instanceof Refused) || error.status >= 500) this.loadAgain = setTimeout(again, wait);
    }
  }

  /** Send what an earlier page stored but got no answer to; the server stores each key once. */
  async sendLeft() {
    for (const item of drafts.left()) {
      if (item === String(this.item?.id)) continue;
      const { path, body } = drafts.read("outbox", item);
      try {
        await post(path, body);
        this.settle(item);
      } catch (error) {
        if (!(error instanceof Refused) || error.status >= 500 || error.status === 401) throw error;
        drafts.drop("outbox", item);
        notice(`A label made earlier was not stored: ${error.message}`);
      }
    }
  }

  show(page) {
    this.page = page;
    this.item = page.item;
    const counts = $("#counts");
    const part = page.round?.screening ? `${page.round.done} of ${page.round.of} answered` : page.round ? `calibration round ${page.round.number}: ${page.round.done} of ${page.round.of} answered` : `${page.labeled} labeled`;
    if (counts && !this.review) counts.textContent = page.round?.screening ? part : `${part} · ${page.waiting} waiting for you`;
    if (!this.item) return page.round && !page.task.paused && page.round.done === page.round.of ? this.showFinish() : this.showNothing();
    const kept = drafts.read("draft", this.item.id);
    this.kind = this.item.kind; // a screening asks for several kinds of work
    this.state = kept ?? this.blank();
    this.kept = true;
    this.since = performance.now();
    this.draw();
    if (kept) this.status(`Your draft was kept in this browser and is back`);
    const guideline = page.guideline;
    if (guideline && !guideline.read) this.showGuideline(true);
  }

  /** Every item of a round is answered: from here on the answers stand, so it is asked first. */
  showFinish() {
    const { id, number, of, screening } = this.page.round;
    const finish = async () => {
      try {
        await post(`/api/rounds/${id}/finish`);
        if (screening) await this.load();
        else location.assign(`/work/${this.task}/rounds/${id}`);
      } catch (error) { this.banner(error, finish); }
    };
    this.root.replaceChildren(make("h1", { class: "visually-hidden" }, this.page.task.name), make("div", { class: "card empty" },
      make("p", {}, screening ? `You have answered all ${of} questions.` : `You have answered all ${of} items of calibration round ${number}.`),
      make("p", { class: "muted" }, screening ? "When you finish, your answers stand, and a lead looks at them." : "When you finish it your answers stand, and you see them beside the lead's and the group's."),
      make("button", { type: "button", class: "primary", "data-focus": "finish", click: finish }, screening ? "Finish" : "Finish and compare")));
    $("[data-focus=finish]", this.root).focus();
  }

  showNothing() {
    const text = this.page.task.paused ? "This task is paused." : "Nothing waits for you here. Thank you.";
    const title = make("h1", { class: "visually-hidden" }, this.page.task.name);
    this.root.replaceChildren(title, make("div", { class: "card empty" }, make("p", {}, text), make("a", { class: "button", href: "/" }, "To the tasks")));
  }

  blank() {
    const letters = this.item.completions.map((one) => one.letter);
    return { seconds: 0, current: 0, ratings: {}, flags: {}, order: letters, tied: [], moved: false, none: false, sure: false,
      choice: null, topics: [], text: this.item.draft ?? "", note: "" };
  }

  countTime() {
    if (!this.item) return;
    if (document.hidden) this.state.seconds += (performance.now() - this.since) / 1000;
    this.since = performance.now();
  }

  /** Keep the state in this browser, at once, and redraw. */
  change(redraw = true) {
    this.countTimeVisible();
    this.kept = drafts.write("draft", this.item.id, this.state);
    if (redraw) this.draw(); // before the status, whose line it makes anew
    if (!this.kept) this.status("This browser keeps no drafts: submit before you leave the page");
    else this.status(`Draft kept in this browser ${clock()}`);
  }

  countTimeVisible() {
    if (document.hidden) return;
    this.state.seconds += (performance.now() - this.since) / 1000;
    this.since = performance.now();
  }

  onOtherTab(event) {
    if (!this.item || event.key !== drafts.key("draft", this.item.id) || document.hasFocus()) return;
    if (event.newValue === null) return void this.load();
    this.state = JSON.parse(event.newValue);
    this.draw();
    this.status("Changed in another tab");
  }

  // Submitting: the body with its key is stored first, then sent until somebody answers

  answer() {
    const { ratings, flags, order, tied, none, sure, choice, text } = this.state;
    if (this.kind === "rank") {
      const groups = [];
      for (const letter of order) {
        if (tied.includes(letter) && groups.length) groups.at(-1).push(letter);
        else groups.push([letter]);
      }
      return { order: groups, ratings, flags, none_acceptable: none, sure };
    }
    if (this.kind === "flag") return { sensitive: choice === "sensitive" };
    if (this.kind === "assess") return { topics: this.state.topics };
    return this.kind === "pair" ? { choice } : { text };
  }

  missing() {
    if (this.kind === "rank") {
      const open = this.item.completions.filter((one) => !this.state.ratings[one.letter]).map((one) => one.letter);
      if (open.length) return `Please rate ${open.join(", ")} first`;
      if (this.contradictions().length && !this.state.sure) return "The order contradicts the ratings: change one of them, or say that you are sure";
    }
    if ((this.kind === "pair" || this.kind === "flag") && !this.state.choice) return "Please choose first";
    if (this.item.draft !== null || this.kind === "write") if (!this.state.text.trim()) return "Please write something first";
    return "";
  }

  submit() {
    const missing = this.missing();
    if (missing) return this.status(missing, true);
    if (this.sending) return;
    this.countTimeVisible();
    this.kept = drafts.write("draft", this.item.id, this.state);
    const body = { key: crypto.randomUUID(), answer: this.answer(), seconds: Math.min(86400, Math.round(this.state.seconds * 10) / 10) };
    const path = `/api/items/${this.item.id}/${this.review ? "decision" : "label"}`;
    this.pending = { path, body };
    drafts.write("outbox", this.item.id, this.pending);
    this.flush();
  }

  async flush(wait = 1000) {
    const item = this.item.id;
    const send = this.pending ?? drafts.read("outbox", item);
    if (!send || this.sending) return;
    this.sending = true;
    this.status("Sending …");
    try {
      const stored = await post(send.path, send.body);
      this.sending = false;
      this.settle(item);
      this.last = { event: stored.event, item, state: this.state };
      if (this.review) return void location.assign(`/tasks/${this.task}/review`);
      notice(`${send.path.endsWith("skip") ? "Skipped" : "Saved"} ${clock()}`, () => this.undo(), "Undo", 120_000);
      await this.load();
    } catch (error) {
      this.sending = false;
      if (error instanceof Refused && error.status < 500 && error.status !== 401) {
        this.pending = null;
        drafts.drop("outbox", item); // the draft stays: what was written can still be copied
      }
      const again = () => this.item?.id === item && this.flush(Math.min(30_000, wait * 2));
      this.banner(error, again);
      if (!(error instanceof Refused) || error.status >= 500) setTimeout(again, wait);
    }
  }

  settle(item) {
    this.pending = null;
    drafts.drop("outbox", item);
    drafts.drop("draft", item);
    this.kept = true;
  }

  skip(reason) {
    this.pending = { path: `/api/items/${this.item.id}/skip`, body: { key: crypto.randomUUID(), reason } };
    drafts.write("outbox", this.item.id, this.pending);
    this.flush();
  }

  async undo() {
    if (!this.last || this.review) return;
    const { event, item, state } = this.last;
    try {
      this.last.key ??= crypto.randomUUID();
      await post(`/api/labels/${event}/undo`, { key: this.last.key });
      this.last = null;
      drafts.write("draft", item, state);
      await this.load();
      notice("Taken back");
    } catch (error) {
      notice(error instanceof Refused ? error.message : "Not taken back: the desk cannot be reached", () => this.undo(), "Try again");
    }
  }

  // What went wrong is said where the work is, and the work stays

  banner(error, again) {
    $(".banner", this.root)?.remove();
    let text = "The desk cannot be reached. What you did is kept in this browser and is sent again by itself.";
    let action = make("button", { type: "button", click: () => { $(".banner", this.root)?.remove(); again(); } }, "Try now");
    if (error instanceof Refused && error.status === 401) {
      text = "You are signed out. What you did is kept in this browser.";
      action = make("a", { class: "button", href: `/login?next=${encodeURIComponent(location.pathname)}` }, "Sign in again");
    } else if (error instanceof Refused && error.status < 500) {
      text = `Not stored: ${error.message}.`;
      action = make("button", { type: "button", click: () => { this.item && drafts.drop("draft", this.item.id); this.load(); } }, "Next item");
    } else if (error instanceof Refused) {
      text = "The server could not store this just now. It is kept in this browser and is sent again by itself.";
    }
    this.root.prepend(make("div", { class: "banner bad", role: "alert" }, make("p", {}, text), action));
    this.status("");
  }

  status(text, urgent = false) {
    const line = $(".status", this.root);
    if (!line) return;
    line.textContent = text;
    line.classList.toggle("problem", urgent);
  }

  // Ranking: the order follows the ratings until somebody moves a completion

  rate(letter, rating) {
    this.state.ratings[letter] = rating;
    this.state.sure = false;
    if (!this.state.moved) this.orderByRatings();
    const index = this.indexOf(letter);
    if (index + 1 < this.item.completions.length && this.state.current === index) this.state.current = index + 1;
    this.change();
  }

  orderByRatings() {
    const { ratings } = this.state;
    const letters = this.item.completions.map((one) => one.letter);
    this.state.order = letters.toSorted((a, b) => (ratings[b] ?? 0) - (ratings[a] ?? 0));
    this.state.tied = this.state.order.filter((letter, n) => n > 0 && ratings[letter] && ratings[letter] === ratings[this.state.order[n - 1]]);
  }

  indexOf(letter) {
    return this.item.completions.findIndex((one) => one.letter === letter);
  }

  move(letter, by) {
    const { order } = this.state;
    const from = order.indexOf(letter);
    const to = from + by;
    if (to < 0 || to >= order.length) return;
    // Ties hold between neighbours: those of the two that change places, and of the one below them, are dissolved.
    const below = order[Math.max(from, to) + 1];
    this.state.tied = this.state.tied.filter((one) => one !== letter && one !== order[to] && one !== below);
    [order[from], order[to]] = [order[to], order[from]];
    this.state.moved = true;
    this.state.sure = false;
    this.change();
  }

  tie(letter) {
    if (this.state.order.indexOf(letter) < 1) return;
    const { tied } = this.state;
    this.state.tied = tied.includes(letter) ? tied.filter((one) => one !== letter) : [...tied, letter];
    this.state.moved = true;
    this.state.sure = false;
    this.change();
  }

  places() {
    let place = 0;
    return Object.fromEntries(this.state.order.map((letter, n) => {
      if (n === 0 || !this.state.tied.includes(letter)) place = n + 1;
      return [letter, place];
    }));
  }

  contradictions() {
    const { ratings, order } = this.state;
    const places = this.places();
    const found = [];
    order.forEach((above, n) => order.slice(n + 1).forEach((below) => {
      const difference = (ratings[above] ?? 0) - (ratings[below] ?? 0);
      if (!ratings[above] || !ratings[below]) return;
      if (difference < 0) found.push([above, below]);
      else if (difference > 0 && places[above] === places[below]) found.push([below, above]);
    }));
    return found;
  }

  toggleFlag(letter, name) {
    const set = new Set(this.state.flags[letter] ?? []);
    if (!set.delete(name)) set.add(name);
    this.state.flags[letter] = [...set];
    this.change();
  }

  focusOn(index) {
    this.state.current = Math.max(0, Math.min(this.item.completions.length - 1, index));
    this.change();
  }

  choose(choice) {
    this.state.choice = choice;
    this.change();
  }

  // Drawing: the page is the state; what had the focus keeps it

  draw() {
    const focused = document.activeElement?.dataset?.focus;
    const scrolled = $(".tools", this.root)?.scrollTop ?? 0;
    const parts = [this.drawBanner(), this.review && this.drawLabels(), this.drawPrompt()];
    const text = this.kind === "write" || this.kind === "edit";
    const work = this.kind === "assess" ? this.drawTopics() : text ? this.drawText() : this.drawCompletions();
    const main = make("div", {}, ...parts.filter(Boolean), work);
    const aside = this.kind === "rank" ? this.drawAside() : null;
    if (!aside) main.append(this.drawSubmit());
    this.root.replaceChildren(make("h1", { class: "visually-hidden" }, this.page.task.name), make("div", { class: `desk ${aside ? "" : "text-task"}` }, main, aside));
    if (aside) $(".tools", aside).scrollTop = scrolled;
    const target = focused ? $(`[data-focus="${CSS.escape(focused)}"]`, this.root) : null;
    if (target) target.focus({ preventScroll: true });
    else if (text) $("textarea", this.root).focus();
    if (this.kind === "rank") $(".completion.current", this.root)?.scrollIntoView({ block: "nearest" });
  }

  drawBanner() {
    const old = $(".banner", this.root);
    return old && this.pending ? old : null;
  }

  drawPrompt() {
    const turns = this.item.messages.map((one) => make("div", { class: "turn" }, make("div", { class: "who" }, one.role), said(one.content)));
    return make("section", { class: "card prompt", "aria-label": "Prompt" }, ...turns);
  }

  drawCompletions() {
    const cards = this.item.completions.map((one, index) => (this.kind === "rank" ? this.drawRated(one, index) : this.drawChoice(one)));
    const box = make("div", { class: "completions" }, ...cards);
    const asked = this.kind === "flag" ? make("p", {}, make("strong", {}, "Is the answer or its question sensitive: could it stir strong negative feelings?")) : null;
    return this.kind === "rank" ? box : make("div", {}, box, asked, this.drawChoices());
  }

  drawRated(one, index) {
    const current = index === this.state.current;
    const set = this.flags.filter((flag) => this.state.flags[one.letter]?.includes(flag.name));
    const ratings = [1, 2, 3, 4, 5, 6, 7].map((n) => make("button", {
      type: "button", "data-focus": `rate-${one.letter}-${n}`, "aria-label": `Rate ${one.letter} ${n} of 7`,
      "aria-pressed": String(this.state.ratings[one.letter] === n),
      click: () => { this.state.current = index; this.rate(one.letter, n); },
    }, String(n)));
    const mark = (event) => { if (!event.target.closest("button") && this.state.current !== index) this.focusOn(index); };
    return make("article", { class: `card completion ${current ? "current" : ""}`, "aria-label": `Completion ${one.letter}${current ? ", marked" : ""}`, click: mark },
      make("header", {}, make("span", { class: "letter" }, one.letter), ...set.map((flag) => make("span", { class: "tag warn" }, flag.label))),
      said(one.text),
      make("div", {}, make("div", { class: "ratings", role: "group", "aria-label": `Rating of ${one.letter}` }, ...ratings),
        make("p", { class: "scale", "aria-hidden": "true" }, make("span", {}, "1 bad"), make("span", {}, "7 excellent"))));
  }

  drawChoice(one) {
    const chosen = this.state.choice === one.letter;
    return make("article", { class: `card completion ${chosen ? "chosen" : ""}`, "aria-label": `Completion ${one.letter}` },
      make("header", {}, make("span", { class: "letter" }, one.letter)), said(one.text));
  }

  drawChoices() {
    const choices = this.kind === "flag" ? [["sensitive", "Sensitive", "1"], ["not_sensitive", "Not sensitive", "2"]] : [["A", "A is better", "1"], ["B", "B is better", "2"], ["tie", asText.tie, "3"], ["both_bad", asText.both_bad, "4"]];
    return make("div", { class: "choices", role: "group", "aria-label": this.kind === "flag" ? "Could this text stir strong negative feelings?" : "Which is better?" }, ...choices.map(([choice, text, key]) => make("button", {
      type: "button", "data-focus": `choose-${choice}`, "aria-pressed": String(this.state.choice === choice), click: () => this.choose(choice),
    }, text, make("kbd", { "aria-hidden": "true" }, key))));
  }

  drawTopics() {
    const { topics } = this.state;
    const toggle = (topic) => { this.state.topics = topics.includes(topic) ? topics.filter((one) => one !== topic) : [...topics, topic]; this.change(); };
    const boxes = this.item.topics.map((topic, n) => make("label", { class: "check" }, make("input", { type: "checkbox", "data-focus": `topic-${n}`, checked: topics.includes(topic), change: () => toggle(topic) }), topic));
    return make("fieldset", { class: "card" }, make("legend", {}, "Mark what applies; none is an answer too"), ...boxes);
  }

  drawAside() {
    const one = this.item.completions[this.state.current];
    return make("aside", { class: "aside", "aria-label": "Flags and order" }, make("div", { class: "tools" }, this.drawFlags(one), this.drawOrder(one)), this.drawSubmit());
  }

  drawFlags(one) {
    const groups = ["helpful", "honest", "harmless"].flatMap((aim) => [
      make("p", { class: "aim" }, aim),
      make("div", { class: "flags" }, ...this.flags.filter((flag) => flag.aim === aim).map((flag) => make("button", {
        type: "button", title: flag.help, "data-focus": `flag-${flag.name}`,
        "aria-pressed": String(this.state.flags[one.letter]?.includes(flag.name) ?? false), click: () => this.toggleFlag(one.letter, flag.name),
      }, flag.label, make("kbd", { "aria-hidden": "true" }, flag.key)))),
    ]);
    return make("section", { class: "card" }, make("h2", {}, `What is wrong with ${one.letter}?`), ...groups);
  }

  drawOrder(current) {
    const places = this.places();
    const texts = Object.fromEntries(this.item.completions.map((one) => [one.letter, one.text]));
    const step = (letter, label, name, action) => make("button", { type: "button", "aria-label": `${label} ${letter}`, title: label, "data-focus": `${name}-${letter}`, click: action }, { up: "↑", down: "↓", tie: "=" }[name]);
    const rows = this.state.order.map((letter) => make("li", { class: `${letter === current.letter ? "current" : ""} ${this.state.tied.includes(letter) ? "tied" : ""}` },
      make("span", { class: "place" }, String(places[letter])), make("span", { class: "letter" }, letter), make("span", { class: "start", dir: "auto" }, texts[letter].slice(0, 80)),
      make("span", { class: "moves" }, step(letter, "Move up:", "up", () => this.move(letter, -1)), step(letter, "Move down:", "down", () => this.move(letter, 1)), step(letter, "Tie with the one above:", "tie", () => this.tie(letter)))));
    const check = (name, text, key) => make("label", { class: "check" }, make("input", { type: "checkbox", "data-focus": name, checked: this.state[name], change: () => { this.state[name] = !this.state[name]; this.change(); } }), text, " ", make("kbd", { "aria-hidden": "true" }, key));
    const rated = (letter) => `${letter} (${this.state.ratings[letter]})`;
    const against = this.contradictions().map(([worse, better]) => `${rated(worse)} is not below ${rated(better)}`).join(", ");
    return make("section", { class: "card" }, make("h2", {}, "Order, best first"), make("ol", { class: "order" }, ...rows),
      against ? make("div", { class: "contradiction", role: "status" }, make("p", {}, `The order contradicts the ratings: ${against}.`), check("sure", "I am sure", "y")) : null,
      check("none", "None is acceptable", "x"));
  }

  drawText() {
    const area = make("textarea", { rows: 12, id: "text", "data-focus": "text", dir: "auto", input: () => { this.state.text = area.value; this.change(false); this.countWords(); } });
    area.value = this.state.text;
    const back = this.kind === "edit" ? make("button", { type: "button", class: "small", click: () => { this.state.text = this.item.draft; this.change(); } }, "Back to the original") : null;
    const title = this.kind === "edit" ? "Make this answer as good as you can" : "Write the answer that you would want to get";
    const words = make("p", { class: "muted words" });
    queueMicrotask(() => this.countWords());
    return make("section", { class: "card" }, make("h2", {}, make("label", { for: "text" }, title)), area, words, back);
  }

  countWords() {
    const line = $(".words", this.root);
    if (line) line.textContent = `${this.state.text.trim().split(/\s+/).filter(Boolean).length} words`;
  }

  drawSubmit() {
    const key = this.kind === "write" || this.kind === "edit" ? "Ctrl ⏎" : "⏎";
    const buttons = [make("button", { type: "button", class: "primary", "data-focus": "submit", click: () => this.submit() }, this.review ? "Decide" : "Submit", make("kbd", { "aria-hidden": "true" }, key))];
    if (!this.review) buttons.push(make("button", { type: "button", "data-focus": "skip", click: () => this.showSkip() }, "Skip"));
    if (this.page.guideline) buttons.push(make("button", { type: "button", "data-focus": "guideline", click: () => this.showGuideline(false) }, "Guideline"));
    buttons.push(make("button", { type: "button", "data-focus": "keys", "aria-label": "Keys", click: () => this.showKeys() }, "?"));
    return make("div", {}, make("div", { class: "submit" }, ...buttons), make("p", { class: "status", role: "status" }));
  }

  drawLabels() {
    const describe = (one) => {
      if (one.text !== undefined) return [said(one.text)];
      const order = one.order.map((group) => group.join(" = ")).join(" > ");
      const ratings = Object.entries(one.ratings).toSorted().map(([letter, n]) => `${letter} ${n}`).join(", ");
      const flags = Object.entries(one.flags).map(([letter, names]) => `${letter}: ${names.join(", ")}`).join(" · ");
      return [make("p", {}, make("strong", {}, order), one.none_acceptable ? " · none acceptable" : ""), make("p", { class: "muted" }, [ratings && `Rated ${ratings}`, flags].filter(Boolean).join(" · "))];
    };
    const cards = this.page.labels.map((one) => make("article", { class: "card" }, make("h2", {}, one.labeler), ...describe(one), one.note ? said(one.note, "p") : null));
    if (this.page.decision) cards.push(make("article", { class: "card" }, make("h2", {}, `Decided by ${this.page.decision.labeler}`), ...describe(this.page.decision)));
    return make("section", { class: "said-by", "aria-label": "What labelers said" }, ...cards);
  }

  // Dialogs

  dialog(title, ...children) {
    const box = make("dialog", { "aria-label": title, close: () => box.remove() }, make("h2", {}, title), ...children);
    document.body.append(box);
    box.showModal();
    return box;
  }

  showKeys() {
    const rows = [...KEYS[this.kind], ...COMMON_KEYS].flatMap(([key, text]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, text)]);
    const box = this.dialog("Keys", make("dl", { class: "keys" }, ...rows), make("button", { class: "primary", click: () => box.close() }, "Close"));
  }

  showSkip() {
    if (this.review) return;
    const choose = (reason) => { box.close(); this.skip(reason); };
    const buttons = REASONS.map((reason, n) => make("button", { type: "button", click: () => choose(reason) }, make("kbd", { "aria-hidden": "true" }, String(n + 1)), reason));
    const onKey = (event) => { const reason = REASONS[digitOf(event) - 1]; if (reason) { event.preventDefault(); choose(reason); } };
    const box = this.dialog("Why skip this item?", make("div", { class: "reasons", keydown: onKey }, ...buttons), make("button", { type: "button", click: () => box.close() }, "Go on with it"));
  }

  showGuideline(unread) {
    const { id, version, text } = this.page.guideline;
    const read = async () => {
      try {
        if (unread) await post(`/api/guidelines/${id}/read`);
        this.page.guideline.read = true;
        box.close();
      } catch { notice("Not stored: the desk cannot be reached"); }
    };
    const box = this.dialog(`Guideline, version ${version}`, said(text), make("button", { class: "primary", click: read }, unread ? "I have read it" : "Close"));
    if (unread) box.addEventListener("cancel", (event) => event.preventDefault());
  }

  // The keyboard. Inside a text field only Ctrl Enter and Ctrl S belong to the desk.

  onKey(event) {
    if (!this.item || $("dialog[open]")) return;
    const control = event.ctrlKey || event.metaKey;
    if (control && (event.key === "Enter" || event.key === "s")) return this.take(event, () => this.submit());
    if (control || event.altKey || event.target.matches("textarea, select, input:not([type=checkbox])")) return;
    if (event.key === "Enter") return event.target.closest("button, a, input") && event.target.dataset.focus?.startsWith("rate-") !== true ? undefined : this.take(event, () => this.submit());
    const common = { s: () => this.showSkip(), u: () => this.undo(), "?": () => this.showKeys() }[event.key];
    if (common) return this.take(event, common);
    const action = this.kind === "flag" ? this.flagKey(event) : this.kind === "rank" ? this.rankKey(event) : this.kind === "pair" ? this.pairKey(event) : null;
    if (action) this.take(event, action);
  }

  take(event, action) {
    event.preventDefault();
    action();
  }

  rankKey(event) {
    const one = this.item.completions[this.state.current];
    const digit = digitOf(event);
    if (event.shiftKey && event.key === "ArrowUp") return () => this.move(one.letter, -1);
    if (event.shiftKey && event.key === "ArrowDown") return () => this.move(one.letter, 1);
    if (digit >= 1 && digit <= 7 && !event.shiftKey) return () => this.rate(one.letter, digit);
    const flag = this.flags.find((known) => known.key === event.key);
    if (flag) return () => this.toggleFlag(one.letter, flag.name);
    return {
      j: () => this.focusOn(this.state.current + 1), k: () => this.focusOn(this.state.current - 1),
      ArrowRight: () => this.focusOn(this.state.current + 1), ArrowLeft: () => this.focusOn(this.state.current - 1),
      "=": () => this.tie(one.letter),
      x: () => { this.state.none = !this.state.none; this.change(); },
      y: () => { if (this.contradictions().length) { this.state.sure = !this.state.sure; this.change(); } },
    }[event.key];
  }

  flagKey(event) {
    const choice = { 1: "sensitive", 2: "not_sensitive" }[digitOf(event)];
    return choice ? () => this.choose(choice) : null;
  }

  pairKey(event) {
    const choice = { 1: "A", 2: "B", 3: "tie", 4: "both_bad" }[digitOf(event)] ?? { ArrowLeft: "A", ArrowRight: "B", "=": "tie", x: "both_bad" }[event.key];
    return choice ? () => this.choose(choice) : null;
  }
}

const root = $("#work");
if (root) new Work(root).load();
