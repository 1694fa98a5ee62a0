// One quiet hint about the prompt that is being typed, after a pause; never while the person types, never twice the same.

import { $, post } from "./page.js";

const PAUSE_MS = 700;
const SHORTEST = 8;
const LONGEST = 20_000; // what the server looks at
let timer = 0;
let turn = 0;

/** Look at the box when it rests. `facts` returns {first, has_pages}. */
export function hintLater(text, facts, headers) {
  quiet();
  if (text.trim().length < SHORTEST || text.length > LONGEST) return;
  const mine = turn;
  timer = setTimeout(async () => {
    try {
      const { hints } = await post("/chat/api/hints", { text, ...facts() }, headers());
      if (mine === turn && hints.length) $("#hints").textContent = hints[0].text;
    } catch (error) {
      console.debug("no hint:", error.message); // a hint is not worth a message; sending will say what is wrong
    }
  }, PAUSE_MS);
}

/** Take the hint away, and any that is on its way. */
export function quiet() {
  clearTimeout(timer);
  turn += 1;
  if ($("#hints").textContent) $("#hints").textContent = "";
}
