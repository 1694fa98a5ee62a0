"""Cut rows into groups that fit into memory."""

from __future__ import annotations

from collections.abc import Sequence


def split_by_tokens(indexes: Sequence[int], sizes: Sequence[int], limit: int) -> list[list[int]]:
    """Return the indexes in groups of similar size, each of at most `limit` tokens; a larger row stands alone."""
    groups: list[list[int]] = []
    total = 0
    for index in sorted(indexes, key=lambda i: (-sizes[i], i)):
        if groups and total + sizes[index] <= limit:
            groups[-1].append(index)
            total += sizes[index]
        else:
            groups.append([index])
            total = sizes[index]
    return groups
