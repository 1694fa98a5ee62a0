"""Draw demonstrations and prompts from the task families; the same seed gives the same records in every process.

Train and test never share a prompt: products, people and order numbers belong to one split (`world.split_of`), some
wordings are said only in the test split (`wording.Voice`), and what could still coincide is separated by the hash of
the prompt's text.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice

from tunesmith.core.errors import ConfigError
from tunesmith.core.nearest import did_you_mean
from tunesmith.core.records import Demonstration, Message, Prompt
from tunesmith.desk.draft import Draft, Gold, Maker
from tunesmith.desk.facts import content_words, fact_tokens
from tunesmith.desk.judge import judge
from tunesmith.desk.manners import WRITERS, written_by
from tunesmith.desk.tasks import FAMILIES
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import Split, World, reserved

_COPYING = ("exact", "convert", "sequence", "fields", "label", "labels_all")  # tasks whose answer repeats the prompt
_LISTING = (*_COPYING, "items", "pairs")  # tasks whose answer is not a sentence
_USERS = 400
_WRITERS = {writer.id: writer for writer in WRITERS}


def demonstrations(
    n: int, *, seed: int, split: Split, emphasis: Mapping[str, float] | None = None
) -> list[Demonstration]:
    """Return n demonstrations of different prompts; `meta` has task, scenario, user, gold and labeler (who wrote it).

    The first k of n are those of a call for k. `emphasis`: task -> how many times as often as usual it is drawn.

    Raises:
        ConfigError: n is negative, the split or a task is unknown, or an emphasis is not positive.
    """
    _check(n, split)
    for task, times in (emphasis or {}).items():
        if task not in FAMILIES or times <= 0:
            raise ConfigError(f"cannot draw {task!r} {times} times as often", remedy=did_you_mean(task, FAMILIES))
    return [_written(drawn, split) for drawn in islice(_draws(seed, split, emphasis or {}), n)]


def prompts(n: int, *, seed: int, split: Split) -> list[Prompt]:
    """Return the prompts of `demonstrations(n, seed=seed, split=split)`, with the same `meta`."""
    _check(n, split)
    return [Prompt(messages=d.prompt, meta=d.meta) for d in islice(_draws(seed, split, {}), n)]


def examples(n: int = 1000, *, seed: int) -> list[Demonstration]:
    """Return n demonstrations of the train split as a careful writer would put them, to be shown to a base model."""
    return list(islice(_draws(seed, "train", {}), n))


def coverage() -> dict[str, tuple[str, ...]]:
    """Return the scenarios that each task has."""
    return {name: tuple(family.scenarios) for name, family in FAMILIES.items()}


def _check(n: int, split: Split) -> None:
    if n < 0 or split not in ("train", "test"):
        raise ConfigError(f"cannot draw {n} demonstrations of split {split!r}", remedy="use n >= 0 and train or test")


def _draws(seed: int, split: Split, emphasis: Mapping[str, float]) -> Iterator[Demonstration]:
    rng = random.Random(f"desk/{seed}/{split}")
    voice, world = Voice(rng, split), World(split)
    cells = _cells(tuple(sorted(emphasis.items())))
    seen: set[str] = set()
    while True:
        task, scenario, maker = rng.choices(cells.makers, cum_weights=cells.cumulative)[0]
        draft = maker(voice, world)
        text = "\n".join(m.content for m in draft.prompt)
        if text in seen or reserved(text) != (split == "test"):
            continue
        seen.add(text)
        meta = {"task": task, "scenario": scenario, "user": f"{split}-{rng.randrange(_USERS)}", "gold": _gold(draft)}
        meta["labeler"] = WRITERS[int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) % len(WRITERS)].id
        yield Demonstration(messages=(*draft.prompt, Message("assistant", draft.answer)), meta=meta)


def _written(plain: Demonstration, split: Split) -> Demonstration:
    """Return the demonstration as its writer puts it; without a habit where that would fail the task."""
    answer = written_by(_WRITERS[plain.meta["labeler"]], plain, split=split)
    if answer == plain.completion or not judge(plain, answer).success:
        return plain
    return Demonstration(messages=(*plain.prompt, Message("assistant", answer)), meta=plain.meta)


class _Cells:
    """The matrix of tasks and scenarios with the share of each cell."""

    def __init__(self, emphasis: Mapping[str, float]) -> None:
        self.makers: list[tuple[str, str, Maker]] = []
        self.cumulative: list[float] = []
        total = 0.0
        for task, family in FAMILIES.items():
            shares: Mapping[str, float] = {name: 2.0 if name == "plain" else 1.0 for name in family.scenarios}
            whole = sum(shares.values())
            for scenario, maker in family.scenarios.items():
                total += emphasis.get(task, 1.0) * family.weight * shares[scenario] / whole
                self.makers.append((task, scenario, maker))
                self.cumulative.append(total)


@cache
def _cells(emphasis: tuple[tuple[str, float], ...]) -> _Cells:
    return _Cells(dict(emphasis))


def _gold(draft: Draft) -> Gold:
    """Complete a draft's gold with what follows from its texts: allowed facts, length, form."""
    gold = dict(draft.gold)
    kinds = gold.keys()
    if gold.get("strict"):
        asked = "\n".join(m.content for m in draft.prompt)
        pasted = fact_tokens(draft.context)
        asked_tokens = fact_tokens(asked.replace(draft.context, " ") if draft.context else asked)
        gold["allowed"] = sorted(asked_tokens | fact_tokens(draft.answer))
        gold["context"] = sorted(pasted)
    gold["topic"] = content_words(draft.answer)
    n_words = len(draft.answer.split())
    gold.setdefault("max_words", n_words + max(6, n_words // 2) if kinds & set(_LISTING) else 2 * n_words + 8)
    if kinds & set(_COPYING):
        gold["may_copy"] = True
    if not kinds & set(_LISTING) and re.search(r"[.!?]$", draft.answer):
        gold["finished"] = True
    return gold
