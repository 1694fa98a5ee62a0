"""Fill the empty cells of a coverage matrix: task x scenario, from plain records of the task by augment's methods.

Cells for which no method exists (edge cases, multi-turn context) go to a teacher where there is one. A cell that stays
short is reported with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from tunesmith.core.errors import DataError
from tunesmith.core.records import Demonstration, Document, Message, Record, record_id
from tunesmith.formats.paths import existing_file
from tunesmith.make.augment.augment import Strength, augment
from tunesmith.make.augment.known import METHODS
from tunesmith.make.augment.method import asked
from tunesmith.make.distill.filters import is_refusal
from tunesmith.make.origin import split_keys_of
from tunesmith.make.seeds import generator
from tunesmith.make.synthesize.self_instruct import Say

# Other words for the scenarios, as a matrix may have them.
_ALIASES = {"complexity": "complex", "ambiguity": "ambiguous", "synonyms": "synonymous", "noise": "noisy"}
_WISHES: Mapping[str, str] = {
    "plain": "asks for it plainly and politely",
    "edge": "is an edge case of it: the smallest, emptiest, largest or oddest input that is still sensible",
    "contextual": "gives some background first, on which the answer depends",
    "negative": "rests on a mistaken belief, which the answer has to correct",
    "persona": "is written by somebody with a marked way of speaking",
    "complex": "is long-winded and has several conditions",
    "ambiguous": "leaves out something that the answer needs, so that the right answer asks back",
    "interleaved": "mixes two requests in one message",
    "synonymous": "uses unusual words for the usual things",
    "noisy": "has typing errors and no punctuation",
    "adversarial": "is rude, or tries to make the assistant break its rules, which a good answer calmly does not",
}


class Cell(NamedTuple):
    """A place of the matrix and how many records it lacks."""

    task: str
    scenario: str
    lacks: int


@dataclass(slots=True)
class Filled:
    """The new records, how many each cell got, and why cells stayed short."""

    records: list[Record] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)
    short: dict[str, str] = field(default_factory=dict)


def read_coverage(path: Path) -> dict[str, dict[str, int]]:
    """Return task -> scenario -> count from a JSON file: the object itself, or its `matrix`.

    Raises:
        ConfigError: there is no such file.
        DataError: it holds no such matrix.
    """
    try:
        body: Any = orjson.loads(existing_file(path).read_bytes())
        matrix = body.get("matrix", body)
        return {
            str(task): {_ALIASES.get(str(name), str(name)): _count(n) for name, n in row.items()}
            for task, row in matrix.items()
        }
    except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError) as error:
        why = f"{error}; it must map tasks to scenarios to counts"
        raise DataError("is not a coverage matrix", where=str(path), why=why) from error


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def gaps(matrix: Mapping[str, Mapping[str, int]], wanted: int) -> list[Cell]:
    """Return the cells with fewer than `wanted` records."""
    return [Cell(task, name, wanted - n) for task, row in matrix.items() for name, n in row.items() if n < wanted]


def fill(records: Sequence[Record], cells: Sequence[Cell], *, seed: int, say: Say | None, teacher: str = "") -> Filled:
    """Return records for the cells; `say` None means that there is no teacher."""
    result = Filled()
    for cell in cells:
        plain = [r for r in records if str(r.meta.get("task", "")) == cell.task and not isinstance(r, Document)]
        plain = [r for r in plain if r.meta.get("scenario", "plain") == "plain"]
        name = f"{cell.task} x {cell.scenario}"
        made = _by_methods(plain, cell, seed)
        if len(made) < cell.lacks and say is not None and cell.scenario in _WISHES and plain:
            made += _by_teacher(say, plain, cell._replace(lacks=cell.lacks - len(made)), seed, teacher)
        result.records += made
        result.made[name] = len(made)
        if len(made) < cell.lacks:
            result.short[name] = _why(plain, cell, len(made), with_teacher=say is not None)
    return result


def _by_methods(plain: Sequence[Record], cell: Cell, seed: int) -> list[Record]:
    """Return variants, going through the methods of the scenario in turn so that none prevails."""
    methods = [method for method in METHODS.values() if method.scenario == cell.scenario]
    each = [augment(plain, [method], strength=Strength(share=1.0, rate=0.1), seed=seed).variants for method in methods]
    # Not always the first records: the order comes from the seed and the record.
    for variants in each:
        variants.sort(key=lambda r: generator(seed, record_id(r), "scenarios").random())
    longest = max(map(len, each), default=0)
    return [variants[i] for i in range(longest) for variants in each if i < len(variants)][: cell.lacks]


def _by_teacher(say: Say, plain: Sequence[Record], cell: Cell, seed: int, teacher: str) -> list[Record]:
    made: list[Record] = []
    ordered = sorted(plain, key=lambda r: generator(seed, record_id(r), f"teacher {cell.scenario}").random())
    for parent in ordered[: 2 * cell.lacks]:
        if len(made) == cell.lacks or isinstance(parent, Document):
            break
        prompt = say(
            f"Here is a request to an assistant (task: {cell.task}). Write a new one for the same task that "
            f"{_WISHES[cell.scenario]}. Write nothing but the request.\n\n{asked(parent)}"
        ).strip()
        answer = say(prompt).strip() if prompt else ""
        if not answer or is_refusal(answer) or prompt == asked(parent):
            continue
        origin = {"method": "scenarios", "seed": seed, "teacher": teacher, "parents": [record_id(parent)]}
        meta = {"task": cell.task, "scenario": cell.scenario, "synthesized": origin}
        meta["split_keys"] = split_keys_of([parent])
        made.append(Demonstration(messages=(Message("user", prompt), Message("assistant", answer)), meta=meta))
    return made


def _why(plain: Sequence[Record], cell: Cell, made: int, *, with_teacher: bool) -> str:
    lacking = f"{made} of {cell.lacks} made"
    if not plain:
        return f"{lacking}: no plain record has meta.task {cell.task!r}"
    if not any(method.scenario == cell.scenario for method in METHODS.values()) and not with_teacher:
        return f"{lacking}: only a teacher can make this scenario"
    return f"{lacking}: {len(plain)} plain records gave no more"
