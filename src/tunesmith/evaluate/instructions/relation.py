"""How a count is compared with the number that an instruction asks for."""

from __future__ import annotations

from tunesmith.core.errors import DataError


def holds(count: int, relation: str, wanted: int) -> bool:
    """Return whether `count` is "at least" or "less than" the wanted number; 0 is a number like any other.

    Raises:
        DataError: another relation.
    """
    if relation == "at least":
        return count >= wanted
    if relation == "less than":
        return count < wanted
    raise DataError(f"unknown relation {relation!r}", where="ifeval")
