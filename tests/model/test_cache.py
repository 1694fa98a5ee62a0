from __future__ import annotations

import torch

from tunesmith.data.batch import TokenSequence, pack
from tunesmith.model.cache import KeyValueCache


def filled(lengths: list[int], *, rows: int = 1, capacity: int = 1) -> KeyValueCache:
    """Return a cache of one layer whose row i holds the number 10 i + place."""
    cache = KeyValueCache(rows=rows, capacity=capacity)
    cache.reserve(rows=len(lengths), capacity=max(lengths) + 2)
    for number, length in enumerate(lengths):
        layout = pack([TokenSequence([0] * length, [False] * length, "")]).layout
        value = (10.0 * number + torch.arange(length)).reshape(1, 1, length, 1)
        cache.fill(0, layout, value, value)
    return cache


def contents(cache: KeyValueCache) -> list[list[float]]:
    keys = cache.pairs[0][0]
    return [keys[row, 0, :length, 0].tolist() for row, length in enumerate(cache.lengths.tolist())]


def test_rows_come_are_repeated_and_leave() -> None:
    cache = filled([2, 1, 3, 1], rows=1)
    assert contents(cache) == [[0, 1], [10], [20, 21, 22], [30]]
    assert cache.remove([0, 2], in_order=True) == [1, 3]
    assert contents(cache) == [[10], [30]]
    cache = filled([2, 1, 3, 1])
    assert cache.remove([0], in_order=False) == [3, 1, 2]
    assert contents(cache) == [[30], [10], [20, 21, 22]]
    cache.reserve(rows=6, capacity=200)
    cache.repeat([1, 3])  # the last two rows
    assert contents(cache) == [[30], [10], [20, 21, 22], [20, 21, 22], [20, 21, 22]]


def test_everybody_may_leave() -> None:
    cache = filled([2, 1])
    assert cache.remove([0, 1], in_order=False) == [] and len(cache.lengths) == 0
