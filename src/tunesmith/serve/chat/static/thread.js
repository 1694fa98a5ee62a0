// How a conversation looks: turns, replies with what can be done about them, and pairs that wait for a vote.

import { icon } from "./icons.js";
import { showMarkdown } from "./markdown.js";
import { make, said } from "./page.js";
import { linkCitations, sourcesLine } from "./receipt.js";

const CHOICES = [["first", "A is better"], ["second", "B is better"], ["tie", "Equally good"], ["both_bad", "Both bad"]];
const VERDICTS = { first: "You preferred A", second: "You preferred B", tie: "You found both equally good", both_bad: "You found both bad" };

/** A button with an icon and a name; `label` false shows the icon only. */
export function button(name, text, press, { pressed = null, label = false, kind = "icon-button" } = {}) {
  const made = make("button", { type: "button", class: kind, "aria-label": label ? null : text, title: text, "aria-pressed": pressed === null ? null : String(pressed), click: press });
  made.append(icon(name), ...(label ? [text] : []));
  return made;
}

/** The person's own words, with the way to ask differently and to other branches. */
export function askedView(turn, acts) {
  const body = make("div", { class: "bubble" }, said(turn.asked));
  const tools = make("div", { class: "tools" },
    turn.branches.length > 1 ? stepper("Version of your message", turn.branch, turn.branches.length, (branch) => acts.choose(turn, { branch })) : null,
    button("edit", "Edit your message and ask again", () => acts.askAgain(turn)),
    button("copy", "Copy your message", () => acts.copy(turn.asked)));
  return make("article", { class: "asked", "aria-label": "You" }, body, tools);
}

/** One reply, or two side by side. `talk` knows thumbs, edits and votes; `acts` does what is pressed. */
export function repliesView(turn, talk, acts) {
  if (turn.replies.length === 1) return single(turn, turn.replies[0], talk, acts);
  const open = turn.vote === null;
  const cards = turn.replies.map((reply, index) => pairCard(reply, index, turn, talk, acts));
  const foot = open ? voteBar((choice) => acts.vote(turn, choice))
    : make("p", { class: "verdict muted" }, `${VERDICTS[turn.vote.payload.choice]}. The conversation goes on from ${turn.goesOn === turn.replies[0].id ? "A" : "B"}.`);
  const more = turn.versions.length > 1 ? stepper("Pair of replies", turn.version, turn.versions.length, (version) => acts.choose(turn, { version })) : null;
  return make("article", { class: "pair", "aria-label": "Two replies" }, make("div", { class: "pair-cards" }, ...cards), foot, more);
}

/** Two empty or growing cards; returns their bodies too. */
export function liveView(n) {
  const bodies = Array.from({ length: n }, () => make("div", { class: "markdown live" }, make("span", { class: "waiting", role: "img", "aria-label": "The model is thinking" }, make("i"), make("i"), make("i"))));
  if (n === 1) return { element: make("article", { class: "reply", "aria-label": "Reply", "aria-busy": "true" }, bodies[0]), bodies };
  const cards = bodies.map((body, index) => make("article", { class: "pair-card" }, letter(index), body));
  return { element: make("article", { class: "pair", "aria-label": "Two replies", "aria-busy": "true" }, make("div", { class: "pair-cards" }, ...cards)), bodies };
}

const letter = (index) => make("header", {}, make("span", { class: "letter" }, "AB"[index]));

function single(turn, reply, talk, acts) {
  const body = shown(reply, talk, acts);
  const thumb = talk.thumbOf(reply);
  const press = (value) => acts.thumb(reply, thumb === value ? "none" : value);
  const tools = make("div", { class: "tools" },
    turn.versions.length > 1 ? stepper("Reply", turn.version, turn.versions.length, (version) => acts.choose(turn, { version })) : null,
    button("copy", "Copy", () => acts.copy(talk.textOf(reply))),
    button("again", "Regenerate", () => acts.regenerate(turn, reply)),
    button("edit", "Edit the reply: show how it should read", () => acts.edit(reply, body)),
    button("up", "Good reply", () => press("up"), { pressed: thumb === "up" }),
    button("down", "Bad reply", () => press("down"), { pressed: thumb === "down" }),
    about(reply, talk));
  return make("article", { class: "reply", "aria-label": "Reply", "data-reply": reply.id }, body, reply.receipt ? sourcesLine(reply.receipt, acts) : null, tools);
}

function shown(reply, talk, acts) {
  const body = make("div", { class: "markdown" });
  showMarkdown(body, talk.textOf(reply));
  if (reply.receipt) linkCitations(body, reply.receipt, acts);
  return body;
}

function about(reply, talk) {
  const parts = [reply.model];
  const { seconds, completion_tokens: tokens } = reply.timings;
  if (tokens && seconds) parts.push(`${Math.round(tokens / seconds)} tokens/s`);
  if (reply.finish === "length") parts.push("cut at the longest reply");
  if (reply.finish === "cancelled") parts.push("stopped");
  if (talk.editOf(reply) !== null) parts.push("edited by you");
  return make("span", { class: "about muted", title: reply.id }, parts.join(" · "));
}

function pairCard(reply, index, turn, talk, acts) {
  const body = shown(reply, talk, acts);
  const head = letter(index);
  if (turn.vote) head.append(make("span", { class: "revealed" }, reply.model));
  const won = turn.vote && ((turn.vote.payload.choice === "first" && index === 0) || (turn.vote.payload.choice === "second" && index === 1));
  if (won) head.append(make("span", { class: "tag won" }, icon("check"), "better"));
  const tools = turn.vote ? make("div", { class: "tools" }, button("copy", "Copy", () => acts.copy(talk.textOf(reply))), button("edit", "Edit the reply: show how it should read", () => acts.edit(reply, body))) : null;
  return make("article", { class: `pair-card${won ? " chosen" : ""}`, "aria-label": `Reply ${"AB"[index]}`, "data-reply": reply.id }, head, body, turn.vote && reply.receipt ? sourcesLine(reply.receipt, acts) : null, tools);
}

function voteBar(vote) {
  const buttons = CHOICES.map(([choice, text], index) => make("button", { type: "button", "data-choice": choice, click: () => vote(choice) }, make("kbd", {}, String(index + 1)), text));
  return make("div", { class: "vote" }, make("p", { id: "vote-label" }, "Which one is better? The names come after your vote."),
    make("div", { class: "vote-buttons", role: "group", "aria-labelledby": "vote-label" }, ...buttons));
}

function stepper(what, index, n, choose) {
  const step = (name, text, to) => {
    const made = button(name, text, () => choose(to));
    made.disabled = to < 0 || to >= n;
    return made;
  };
  return make("span", { class: "stepper", role: "group", "aria-label": what }, step("left", `${what}: the one before`, index - 1), make("span", {}, `${index + 1}/${n}`), step("right", `${what}: the next one`, index + 1));
}
