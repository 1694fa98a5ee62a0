// A conversation as the page knows it: a tree of replies, and the one path through it that is shown.
//
// Replies to the same words at the same place are versions of one turn (a side-by-side pair is one version); other words at
// the same place are another branch. What the person chose to look at is kept here and nowhere else.

export class Talk {
  constructor(state = null) {
    this.id = state?.conversation.id ?? null;
    this.title = state?.conversation.title ?? "";
    this.consent = state?.conversation.consent ?? false;
    this.replies = state?.replies ?? [];
    this.events = state?.feedback ?? [];
    this.chosen = new Map();
  }

  /** The turns on the shown path: {parent, asked, branches, branch, versions, version, replies, vote, goesOn}. */
  turns() {
    const found = [];
    for (let parent = null; ;) {
      const turn = this.turnAfter(parent);
      if (!turn) return found;
      found.push(turn);
      if (turn.goesOn === null) return found;
      parent = turn.goesOn;
    }
  }

  turnAfter(parent) {
    const children = this.replies.filter((reply) => reply.parent === parent);
    if (!children.length) return null;
    const branches = [...new Set(children.map((reply) => reply.asked))];
    const asked = this.chosen.get(`branch ${parent}`) ?? children.at(-1).asked;
    const byPair = new Map();
    for (const reply of children.filter((one) => one.asked === asked)) {
      const name = reply.pair ?? reply.id;
      byPair.set(name, [...(byPair.get(name) ?? []), reply]);
    }
    const versions = [...byPair.entries()];
    const name = this.chosen.get(`version ${parent} ${asked}`) ?? versions.at(-1)[0];
    const version = Math.max(0, versions.findIndex(([one]) => one === name));
    const vote = this.voteOn(versions[version][1]);
    const replies = inShownOrder(versions[version][1], vote);
    return { parent, asked, branches, branch: branches.indexOf(asked), versions: versions.map(([one]) => one), version, replies, vote, goesOn: goesOn(replies, vote) };
  }

  voteOn(replies) {
    const ids = replies.map((one) => one.id);
    return this.events.find((event) => event.kind === "vote" && ids.includes(event.reply)) ?? null;
  }

  /** The newest thumb of a reply: "up", "down" or "none". */
  thumbOf(reply) {
    return this.events.findLast((event) => event.kind === "thumb" && event.reply === reply.id)?.payload.value ?? "none";
  }

  /** What a reply says now: the person's own text where they edited it. */
  textOf(reply) {
    return this.editOf(reply) ?? reply.completion;
  }

  editOf(reply) {
    return this.events.findLast((event) => event.kind === "edit" && event.reply === reply.id)?.payload.text ?? null;
  }

  choose(turn, change) {
    if (change.branch !== undefined) this.chosen.set(`branch ${turn.parent}`, turn.branches[change.branch]);
    if (change.version !== undefined) this.chosen.set(`version ${turn.parent} ${turn.asked}`, turn.versions[change.version]);
  }

  /** Show what was just asked for, wherever the person had gone before. */
  showNewest(parent, asked) {
    this.chosen.delete(`branch ${parent}`);
    this.chosen.delete(`version ${parent} ${asked}`);
  }

  /** The messages that a model reads before a turn whose predecessor is the reply `parent`. */
  history(system, parent) {
    const messages = system ? [{ role: "system", content: system }] : [];
    for (const turn of this.turns()) {
      if (turn.parent === parent) break;
      const reply = turn.replies.find((one) => one.id === turn.goesOn);
      if (!reply) break;
      messages.push({ role: "user", content: turn.asked }, { role: "assistant", content: this.textOf(reply) });
    }
    return messages;
  }
}

/** A vote names the reply that was shown first. */
const inShownOrder = (replies, vote) => (vote && replies.length === 2 && replies[0].id !== vote.reply ? replies.toReversed() : replies);

/** The reply that the conversation goes on from; null while two wait for a vote. */
function goesOn(replies, vote) {
  if (replies.length === 1) return replies[0].id;
  if (!vote) return null;
  return vote.payload.choice === "second" ? vote.other : vote.reply;
}
