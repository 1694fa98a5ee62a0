"""What a method of variation is: a name, what it does to the right answer, and a function from record to variant."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Protocol

from tunesmith.core.records import Comparison, Demonstration, Message, Prompt, Ranking, Record

Asked = Prompt | Demonstration | Ranking | Comparison
Thesaurus = Mapping[str, tuple[str, ...]]


class Unfit(NamedTuple):
    """Why a method does not apply to a record."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What a method may draw on: its random numbers, its strength, and the other records (for `interleave`).

    `rate` is the share of words or characters that noise touches, 0 to 1. `thesaurus` replaces the built-in one.
    """

    rng: random.Random
    rate: float = 0.1
    thesaurus: Thesaurus | None = None
    others: Sequence[Demonstration] = ()


class Make(Protocol):
    """Makes one variant."""

    def __call__(self, record: Asked, draw: Draw) -> Record | Unfit:
        """Return the variant, which differs from the record, or why there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to vary a record.

    `answer` says whether the right answer stays what it was ("kept") or is rewritten with the prompt ("rewritten").
    `scenario` is the column of the coverage matrix that the variant fills.
    """

    name: str
    answer: Literal["kept", "rewritten"]
    scenario: str
    make: Make


def last_user(record: Asked) -> int:
    """Return the index of the last user message: the only one that is ever varied."""
    return max(index for index, message in enumerate(record.messages) if message.role == "user")


def asked(record: Asked) -> str:
    """Return the text of the last user message."""
    return record.messages[last_user(record)].content


def with_asked(record: Asked, text: str) -> Asked:
    """Return the record with another last user message."""
    at = last_user(record)
    messages = (*record.messages[:at], Message("user", text), *record.messages[at + 1 :])
    return replace(record, messages=messages)


def first_turn_only(record: Asked) -> bool:
    """Return whether the record is one user message, with or without a system message and an answer."""
    roles = [message.role for message in record.messages if message.role != "system"]
    return roles in (["user"], ["user", "assistant"])
