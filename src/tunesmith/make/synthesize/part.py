"""What each method of synthesis made, in one shape: its records, and its lines of the summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tunesmith.core.records import Record
from tunesmith.make.distill.say import Sayer
from tunesmith.make.synthesize.evolve import evolve
from tunesmith.make.synthesize.inverse import synthesize
from tunesmith.make.synthesize.scenarios import fill, gaps
from tunesmith.make.synthesize.self_instruct import demonstration_of, own_seeds, seeds_of, self_instruct


class Part(NamedTuple):
    """The records that one method made, and what it says about them."""

    records: Sequence[Record]
    summary: Mapping[str, Any]


def exact(records: Sequence[Record], methods: Sequence[str], *, seed: int) -> Part:
    """Make demonstrations from outputs that are known to be good."""
    found = synthesize(records, methods, seed=seed)
    return Part(found.records, {"made": dict(found.made), "left_out": dict(found.left_out.most_common())})


def invented(say: Sayer, records: Sequence[Record], *, wanted: int, most_rounds: int, seed: int, teacher: str) -> Part:
    """Have the teacher invent tasks, beginning from the records, or from our own seed tasks where there are none."""
    seeds = seeds_of(records) or own_seeds()
    found = self_instruct(say, seeds, wanted=wanted, most_rounds=most_rounds, seed=seed)
    origin: dict[str, object] = {"method": "self_instruct", "seed": seed, "teacher": teacher}
    told = {"made": len(found.tasks), "rounds": found.rounds, "left_out": dict(found.left_out.most_common())}
    return Part([demonstration_of(task, origin) for task in found.tasks], {"self_instruct": told})


def deepened(say: Sayer, records: Sequence[Record], *, depth: int, seed: int, teacher: str) -> Part:
    """Have the teacher make the records' tasks harder."""
    found = evolve(say, records, depth=depth, seed=seed, teacher=teacher)
    told = {"made": len(found.records), "left_out": dict(found.left_out.most_common())}
    return Part(found.records, {"evolve": told})


def filled(
    records: Sequence[Record],
    coverage: Mapping[str, Mapping[str, int]],
    *,
    per_cell: int,
    seed: int,
    say: Sayer | None = None,
    teacher: str = "",
) -> Part:
    """Fill the empty cells of a coverage matrix, with a teacher where `say` is given."""
    cells = gaps(coverage, per_cell)
    found = fill(records, cells, seed=seed, say=say, teacher=teacher)
    told = {"cells": len(cells), "made": dict(found.made), "short": found.short}
    return Part(found.records, {"scenarios": told})
