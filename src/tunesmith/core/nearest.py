"""The known name that is closest to a mistyped one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the member of `known` most like `word`, or None when none is close.

    A dotted name also matches by its last part, so `lr` can find `optimizer.lr`.
    """
    names = sorted(known)
    by_whole = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if by_whole:
        return by_whole[0]
    leaf = word.rsplit(".", 1)[-1]
    leaves = {name.rsplit(".", 1)[-1]: name for name in reversed(names)}
    by_leaf = difflib.get_close_matches(leaf, list(leaves), n=1, cutoff=0.6)
    return leaves[by_leaf[0]] if by_leaf else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the remedy of an unknown-name error: the nearest name, or all of them when there are few."""
    names = sorted(known)
    near = nearest(word, names)
    if near is not None:
        return f"did you mean {near!r}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= 12 else ""
