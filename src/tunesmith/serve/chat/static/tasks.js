// What people do with a text, in one press: each puts its instruction before the text in the message box.

export const TASKS = [
  { label: "Summarise", words: "Summarise this in a few sentences:" },
  { label: "Action items", words: "List the action items in this, each with who and until when where it says so:" },
  { label: "Fix spelling and grammar", words: "Correct the spelling and grammar of this. Change nothing else:" },
  { label: "Rewrite", words: "Rewrite this so that it is clear and easy to read:" },
];

export const TONES = [
  { label: "Friendlier", words: "Rewrite this in a friendlier tone:" },
  { label: "More formal", words: "Rewrite this in a more formal tone:" },
  { label: "More polite", words: "Rewrite this so that it is polite:" },
  { label: "Shorter", words: "Rewrite this in fewer words:" },
  { label: "In plain words", words: "Rewrite this in plain words that anybody understands:" },
];

/** Return the message: the instruction, then the text. */
export const withTask = (task, text) => `${task.words}\n\n${text.trim()}`;

/** Return the message that asks the same of pages that were pointed at. */
export const onPages = (task, n) => `${task.words.replace(/:$/, ".").replace(/\bthis\b/, n === 1 ? "this page" : "these pages")}`;
