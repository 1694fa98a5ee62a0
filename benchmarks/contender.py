"""What takes part in a comparison: one piece of work that can be done again and again, and a number to check it by."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Contender(NamedTuple):
    """`run` does one round and returns its useful units; `check` is a loss before any training, equal for all."""

    run: Callable[[], float]
    check: float | None = None
