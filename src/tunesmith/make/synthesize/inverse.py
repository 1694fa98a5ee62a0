"""Inverse synthesis: from outputs that are known to be good, make the inputs; so every answer is exactly right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tunesmith.core.records import Demonstration, Record, record_id
from tunesmith.make.seeds import generator
from tunesmith.make.synthesize.condense import condense
from tunesmith.make.synthesize.extract import extract
from tunesmith.make.synthesize.method import Inverse, demonstration
from tunesmith.make.synthesize.restore import restore
from tunesmith.make.synthesize.scramble import scramble

INVERSE: Mapping[str, Inverse] = {
    "restore": restore,
    "scramble": scramble,
    "extract": extract,
    "condense": condense,
}


@dataclass(slots=True)
class Synthesized:
    """The made records, each once, how many each method made, and what was left out and why."""

    records: list[Demonstration] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


def synthesize(records: Sequence[Record], methods: Sequence[str], *, seed: int) -> Synthesized:
    """Return at most one demonstration a record and method; what a record gives depends on it and the seed alone."""
    result = Synthesized()
    seen: set[tuple[str, str]] = set()
    for parent, record in {record_id(record): record for record in records}.items():
        for method in methods:
            pairs = list(INVERSE[method](record, generator(seed, parent, method)))
            if not pairs:
                result.left_out[f"{method}: the text does not suit it"] += 1
            for pair in pairs:
                if pair[:2] in seen:
                    result.left_out[f"{method}: made before from another record"] += 1
                    continue
                seen.add(pair[:2])
                result.records.append(demonstration(pair, method=method, seed=seed, parents=[record]))
                result.made[method] += 1
    return result
