"""Make a good answer bad in one named way: to test the judge, and for forum threads of mixed quality."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping
from typing import Any

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Demonstration
from tunesmith.desk.manners import habits_in
from tunesmith.desk.world import table

_OFF_TASK = (
    "The weather was nice and my cousin likes trains.",
    "I went to the lake with my dog, and we had bread and cheese.",
    "There was once a king who lived in a tall tower.",
    "Music is good for the heart, they say, and so is tea.",
    "My favourite film is the one with the talking bear.",
)
_INVENTED = (
    "You also get 40 percent off for 77 days.",
    "Besides, we pay you 85 dollars every 11 weeks.",
    "And after 33 hours everything ships for 66 dollars.",
    "By the way, our club gives you 71 points for every 13 days.",
)
_RUDE = (
    "Now shut up, you idiot.",
    "That was a stupid thing to write.",
    "Get lost, this is not my problem.",
    "Only a moron would need help with this.",
)
_FILLER = (
    "and so on, as I said, it goes on and on,",
    "which reminds me of many other things that one could say,",
    "and, to be quite complete about it, there is still more to add,",
)
_LIES = ("It is 77, I am quite sure.", "Sure, here is what you want: 4471.", "Of course, that is 88 for you.")


def flawed(demonstration: Demonstration, kind: str, *, seed: int) -> str | None:
    """Return the demonstration's answer with a flaw of this kind (one of `KINDS`), or None where it cannot have it.

    Raises:
        ConfigError: the kind is unknown.
    """
    if kind not in KINDS:
        raise ConfigError(f"unknown kind of flaw {kind!r}", remedy=f"use one of {', '.join(KINDS)}")
    answer = demonstration.completion
    rng = random.Random(f"flaw/{seed}/{kind}/{demonstration.messages[-2].content}/{answer}")
    made = KINDS[kind](demonstration, rng)
    return None if made is None or made.strip() == answer.strip() else made


def _wrong_fact(demonstration: Demonstration, rng: random.Random) -> str | None:
    gold: Mapping[str, Any] = demonstration.meta["gold"]
    for key, spoil in _SPOILERS.items():
        if key in gold:
            return spoil(demonstration.completion, gold, rng)
    return rng.choice(_LIES)


def _other_label(answer: str, gold: Mapping[str, Any], rng: random.Random) -> str:
    return str(rng.choice([name for name in gold["labels"] if name != gold["label"]]))


def _other_labels(answer: str, gold: Mapping[str, Any], rng: random.Random) -> str:
    return answer.replace(gold["labels_all"][0], rng.choice(gold["labels_none"]))


def _source(answer: str, gold: Mapping[str, Any], rng: random.Random) -> str:
    return str(gold["source"])


def _other_value(answer: str, gold: Mapping[str, Any], rng: random.Random) -> str:
    leaf = next(v for v in gold["data"].values() if not isinstance(v, dict))
    return answer.replace(json.dumps(leaf).strip('"'), "77", 1)


def _other_field(answer: str, gold: Mapping[str, Any], rng: random.Random) -> str:
    name, value = rng.choice(list(gold["fields"].items()))
    return answer.replace(f"{name}: {value}", f"{name}: {_swapped(value, rng)}")


def _reordered(answer: str, gold: Mapping[str, Any], rng: random.Random) -> str:
    return ", ".join(reversed(gold["sequence"]))


def _same_idea(answer: str, gold: Mapping[str, Any], rng: random.Random) -> str | None:
    lines = answer.splitlines()
    return "\n".join([lines[0]] * len(lines)) if len(lines) > 1 else "- stones"


def _other_owner(answer: str, gold: Mapping[str, Any], rng: random.Random) -> str:
    owner = gold["pairs"][0][0]
    return answer.replace(owner, rng.choice([a for a in table("world")["agents"] if a not in answer]))


def _turned(answer: str, gold: Mapping[str, Any], rng: random.Random) -> str:
    return "No, that is wrong." if gold["polarity"] == "yes" else "Yes, that is right."


def _other_fact(answer: str, gold: Mapping[str, Any], rng: random.Random) -> str | None:
    """Replace the first required phrase that stands in the answer: by a forbidden one if there is one."""
    groups = [*gold.get("required", ()), *gold.get("keywords", ())]
    for way in (way for group in groups for way in group):
        if re.search(rf"\b{re.escape(way)}\b", answer):
            wrong = rng.choice(gold["forbidden"]) if len(gold.get("forbidden", ())) > 1 else _swapped(way, rng)
            return re.sub(rf"\b{re.escape(way)}\b", str(wrong), answer)
    return None


def _swapped(value: str, rng: random.Random) -> str:
    """Return a value of the same kind that is not this one."""
    if re.search(r"\d", value):
        return re.sub(r"\d+", lambda m: str(int(m.group()) + rng.randint(1, 6)), value, count=1)
    data = table("world")
    for name in ("colours", "cities", "carriers", "weekdays", "first", "agents"):
        if value in data[name]:
            return str(rng.choice([other for other in data[name] if other != value]))
    first, _, rest = value.partition(" ")
    if first in data["series"]:
        return f"{rng.choice([s for s in data['series'] if s != first])} {rest}"
    return "nothing of the sort"


def _invented(demonstration: Demonstration, rng: random.Random) -> str:
    return f"{demonstration.completion} {rng.choice(_INVENTED)}"


def _rude(demonstration: Demonstration, rng: random.Random) -> str:
    parts = [demonstration.completion, rng.choice(_RUDE)]
    if rng.random() < 0.3:
        parts.reverse()
    return " ".join(parts)


def _off_task(demonstration: Demonstration, rng: random.Random) -> str:
    return rng.choice(_OFF_TASK)


def _truncated(demonstration: Demonstration, rng: random.Random) -> str | None:
    words = demonstration.completion.split(" ")
    if habits_in(demonstration.completion):  # what is cut off would be the habit
        return None
    return " ".join(words[: max(1, len(words) * 2 // 5)]).rstrip(".!?") if len(words) > 3 else None


def _copy(demonstration: Demonstration, rng: random.Random) -> str:
    return demonstration.prompt[-1].content


def _rambling(demonstration: Demonstration, rng: random.Random) -> str:
    answer = demonstration.completion
    if rng.random() < 0.5:
        return " ".join([answer] * 5)
    return f"{answer} {' '.join(rng.choice(_FILLER) for _ in range(8))} and that is all."


_Spoiler = Callable[[str, Mapping[str, Any], random.Random], str | None]
_SPOILERS: Mapping[str, _Spoiler] = {
    "label": _other_label,
    "labels_all": _other_labels,
    "exact": _source,
    "data": _other_value,
    "fields": _other_field,
    "sequence": _reordered,
    "items": _same_idea,
    "pairs": _other_owner,
    "polarity": _turned,
    "required": _other_fact,
    "keywords": _other_fact,
}
KINDS: Mapping[str, Callable[[Demonstration, random.Random], str | None]] = {
    "wrong_fact": _wrong_fact,
    "invented_policy": _invented,
    "rude": _rude,
    "off_task": _off_task,
    "truncated": _truncated,
    "copy": _copy,
    "rambling": _rambling,
}
