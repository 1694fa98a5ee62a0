"""What the inverse methods share: a pair of prompt and exact answer, and the record that is made of it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from tunesmith.core.records import Demonstration, Document, Message, Record, record_id
from tunesmith.make.origin import split_keys_of


class Pair(NamedTuple):
    """A prompt and the one right answer to it; `scenario` and `task` go into the record's meta."""

    prompt: str
    answer: str
    task: str
    scenario: str = "plain"


class Inverse(Protocol):
    """Makes pairs from one record whose texts are known to be good."""

    def __call__(self, record: Record, rng: random.Random) -> Iterator[Pair]:
        """Yield the pairs that this record allows; none is no failure."""
        ...


def demonstration(pair: Pair, *, method: str, seed: int, parents: Sequence[Record]) -> Demonstration:
    """Return the pair as a record that names where it comes from."""
    origin: dict[str, Any] = {"method": method, "seed": seed, "parents": [record_id(parent) for parent in parents]}
    return Demonstration(
        messages=(Message("user", pair.prompt), Message("assistant", pair.answer)),
        meta={
            "task": pair.task,
            "scenario": pair.scenario,
            "synthesized": origin,
            "split_keys": split_keys_of(parents),
        },
    )


def good_text(record: Record) -> str:
    """Return the text that a record holds up as good: a document's, or the answer of a demonstration; else nothing."""
    if isinstance(record, Document):
        return record.text
    return record.completion if isinstance(record, Demonstration) else ""
