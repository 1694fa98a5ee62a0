"""Replace stretches of a text at once, and choose which."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Edit(NamedTuple):
    """Characters `start` to `end` become `text`."""

    start: int
    end: int
    text: str


def apply(text: str, edits: Sequence[Edit]) -> str:
    """Return the text with all edits made; they must not overlap."""
    done, at = [], 0
    for edit in sorted(edits):
        done += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*done, text[at:]])


def some(rng: random.Random, items: Sequence[T], rate: float) -> list[T]:
    """Return each item with probability `rate`, and at least one where there are any."""
    chosen = [item for item in items if rng.random() < rate]
    return chosen if chosen or not items else [rng.choice(items)]
