// What every page of tunesmith shares. No framework, nothing loaded from elsewhere, nothing inline; what people or models
// wrote is only ever put into a page as text nodes.

/** Find one element. */
export const $ = (selector, root = document) => root.querySelector(selector);
export const HEADERS = { "Content-Type": "application/json", "X-Tunesmith": "1" };

export class Refused extends Error {
  constructor(status, body) {
    super(body?.error ? [body.error.message, body.error.remedy].filter(Boolean).join("; ") : `the server said ${status}`);
    this.status = status;
  }
}

/** Send JSON and return the answer. Throws Refused for a no, and the browser's own error where nothing came back. */
export async function post(path, body = {}, headers = {}) {
  return answerOf(await fetch(path, { method: "POST", headers: { ...HEADERS, ...headers }, body: JSON.stringify(body) }));
}

/** Ask for JSON; fails like `post`. */
export async function ask(path, headers = {}) {
  return answerOf(await fetch(path, { headers }));
}

async function answerOf(response) {
  const answer = await response.json().catch(() => null);
  if (!response.ok || answer === null) throw new Refused(response.status, answer);
  return answer;
}

/** Make an element. Attributes whose value is false or null are left out; functions become listeners. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Characters that cannot be seen, and can turn a line around. */
export const UNSEEN = /([\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff])/u;

/** Show text as text; characters that cannot be seen, and can turn a line around, become badges. */
export function said(text, tag = "div") {
  const parts = text.split(UNSEEN).map((part) => {
    if (!UNSEEN.test(part)) return part;
    const code = `U+${part.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    return make("span", { class: "unseen", title: "A character that cannot be seen" }, code);
  });
  return make(tag, { class: "said", dir: "auto" }, ...parts);
}

/** Say something for a while, with one thing to do about it if there is one. */
export function notice(text, action = null, label = "", lasts = 6000) {
  const box = make("div", { class: "notice", role: "status" }, text);
  if (action) box.append(make("button", { type: "button", click: () => { box.remove(); action(); } }, label));
  $("#notices").replaceChildren(box);
  setTimeout(() => box.remove(), lasts);
}

/** The time of day. */
export const clock = () => new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
