"""Apply a repair until nothing changes: the way to be idempotent where one repair can uncover another."""

from __future__ import annotations

from collections.abc import Callable

ROUNDS = 20  # every repair here shrinks the text or ends after two or three rounds


class Unsettled(ValueError):
    """A text that still changes after `ROUNDS` applications."""


def settle(fix: Callable[[str], str], text: str) -> str:
    """Return the fixed point of `fix` that `text` leads to.

    Raises:
        Unsettled: the text still changes after `ROUNDS` applications.
    """
    for _ in range(ROUNDS):
        fixed = fix(text)
        if fixed == text:
            return text
        text = fixed
    raise Unsettled(f"still changes after {ROUNDS} repairs")
