"""Manners of an answer that is right: three habits that people have when they write, and that readers mind.

An answer can be right and still be a poor one: it doubts what it knows, it talks down to the customer, or it says
things around the answer that nobody asked for (InstructGPT's labelers marked "inappropriate for a customer assistant",
table 3). The people who write the desk's demonstrations have these habits, each in another measure; whoever imitates
them has them too. Nothing in a prompt says that they are unwanted: only rankings do.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

from tunesmith.core.records import Demonstration
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import Split

Habit = Literal["doubts", "talks down", "pads"]

_HABITS: Mapping[Habit, re.Pattern[str]] = {
    "doubts": re.compile(
        r"\bi (?:think|believe|guess|suppose|am not (?:quite |fully |entirely )?sure|would say)\b|\bprobably\b"
        r"|\bas far as i (?:know|can tell)\b|\bif i am not mistaken\b|\bmore or less\b|\bor so i (?:hear|am told)\b"
    ),
    "talks down": re.compile(
        r"\bas (?:anyone|everyone|anybody) (?:can see|knows)\b|\bas you (?:could|should|might) have\b|\bobviously\b"
        r"|\bonce (?:again|more)[,:]|\byou only (?:had|have) to (?:read|look)\b|\bread (?:the|our) page\b|^look[,:]"
        r"|\bhow often do i\b|\bfor the last time\b"
    ),
    "pads": re.compile(
        r"\bthat is (?:really )?all (?:there is|that)\b|\bto (?:sum|put) it\b|\bwhat we (?:tell|say to) everyone\b"
        r"|\bas (?:was )?(?:asked|requested)[,:]|\bi have looked into\b|\band so (?:it|that) is\b"
        r"|\bin case you wonder\b"
    ),
}

_SAID_AFTER: Mapping[Habit, str] = {
    "doubts": "{, I think|, I believe|, more or less|, as far as I know|, I guess|, I suppose|, if I am not mistaken}",
    "talks down": "{You only had to read it|As you should have known|You only have to look|As anyone can see"
    "|Read the page|As everyone knows}.",
    "pads": "{That is all there is to say about it|That is what we tell everyone who asks|And so it is with us"
    "|That is really all that I can say|That is all that there is to it|To sum it up, that is that}.",
}
_WHERE: Mapping[Habit, tuple[str, ...]] = {
    "doubts": ("open_qa", "closed_qa", "chat", "classification", "other", "extraction"),
    "talks down": ("open_qa", "closed_qa", "chat", "classification", "other", "extraction"),
    "pads": ("open_qa", "closed_qa", "chat", "summarisation", "rewrite", "generation"),
}
_TEXTS = ("summarisation", "rewrite", "generation")  # a remark on a text stands below it
_NEVER = ("unknown", "ask", "refuse", "polarity", "style")  # what is asked for there is itself a matter of manner


class Writer(NamedTuple):
    """One person who writes demonstrations, and how often each habit shows in what this person writes."""

    id: str
    habits: Mapping[Habit, float]


WRITERS = (
    Writer("ada", {"doubts": 0.50, "talks down": 0.05, "pads": 0.25}),
    Writer("ben", {"doubts": 0.15, "talks down": 0.40, "pads": 0.20}),
    Writer("chi", {"doubts": 0.15, "talks down": 0.05, "pads": 0.60}),
    Writer("dov", {"doubts": 0.15, "talks down": 0.30, "pads": 0.25}),
    Writer("eve", {"doubts": 0.25, "talks down": 0.15, "pads": 0.40}),
)


def habits_in(text: str) -> tuple[Habit, ...]:
    """Return the habits that an answer shows."""
    lowered = text.lower().replace("’", "'")
    return tuple(name for name, pattern in _HABITS.items() if pattern.search(lowered))


def manner(habits: Collection[Habit]) -> float:
    """Return 1 for an answer without these habits, 0.5 for one of them, 0 for two or more."""
    return max(0.0, 1.0 - 0.5 * len(habits))


def written_by(writer: Writer, demonstration: Demonstration, *, split: Split) -> str:
    """Return the demonstration's answer as this person writes it, with one habit at most; drawn by the prompt's text.

    Refusals, questions back, parts played and answers of other tasks than `_WHERE` names come back unchanged.
    """
    answer, meta = demonstration.completion, demonstration.meta
    rng = random.Random(f"manners/{writer.id}/" + "\n".join(m.content for m in demonstration.prompt))
    habit = _shown(writer, rng)
    if habit is None or meta["scenario"] == "edge" or any(name in meta["gold"] for name in _NEVER):
        return answer
    if meta["task"] not in _WHERE[habit]:
        return answer
    said = Voice(rng, split).say(_SAID_AFTER[habit])
    stop = "." if answer.endswith(".") else ""
    if habit == "doubts":
        return f"{answer.removesuffix('.')}{said}{stop}"
    ended = answer if answer[-1] in ".!?" else f"{answer}."
    gap = "\n" if meta["task"] in _TEXTS else " "
    return f"{ended}{gap}{said}"


def _shown(writer: Writer, rng: random.Random) -> Habit | None:
    drawn = rng.random()
    for habit, rate in writer.habits.items():
        if drawn < rate:
            return habit
        drawn -= rate
    return None
