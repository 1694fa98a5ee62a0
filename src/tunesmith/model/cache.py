"""Keys and values of past tokens, preallocated, one row for each sequence that is still being written."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from tunesmith.data.layout import Layout

_GRAIN = 64  # capacity grows in steps of this many tokens


class KeyValueCache:
    """Keys and values (layers, room, heads, capacity, head_dim); the first `len(lengths)` rows are in use.

    `lengths` (rows,) are the tokens that each row holds; `pairs` are each layer's (keys, values). Rows come with `fill`
    (once in every layer), are multiplied by `repeat` and leave by `remove`. Call order of one decoding step: `append`
    once in every layer, or a kernel that writes into `pairs`, then `advance`.
    A kernel has a layout of its own within a row's places: rows that it `claim`ed are read by it alone.
    """

    def __init__(self, *, rows: int, capacity: int) -> None:
        self.lengths = torch.zeros(0, dtype=torch.long)
        self._room = rows
        self._capacity = -(-capacity // _GRAIN) * _GRAIN
        self.pairs: list[tuple[Tensor, Tensor]] = []
        self._begin = 0  # the first row of the fill under way
        self._touched = 0  # places from here on never held a row
        self._width = 0  # longest row, the new token included
        self._mask: Tensor | None = None
        self._index: Tensor | None = None

    def reserve(self, *, rows: int, capacity: int) -> None:
        """Make room for `rows` rows of `capacity` tokens; what is there stays. Rows grow by doubling."""
        if rows <= self._room and capacity <= self._capacity:
            return
        if rows > self._room:
            self._room = max(rows, 2 * self._room)
        if capacity > self._capacity:
            self._capacity = -(-capacity // _GRAIN) * _GRAIN
        used = len(self.lengths)
        for index, pair in enumerate(self.pairs):
            self.pairs[index] = (self._moved(pair[0], used), self._moved(pair[1], used))

    def _moved(self, old: Tensor, used: int) -> Tensor:
        new = old.new_zeros(self._room, old.shape[1], self._capacity, old.shape[3])
        new[:used, :, : old.shape[2]] = old[:used]
        return new

    def fill(self, layer: int, layout: Layout, key: Tensor, value: Tensor) -> None:
        """Add a layer's keys and values (1, H_kv, N, D) of prompts: rows in the order of blocks, then rows."""
        if layer == 0:
            self._begin = len(self.lengths)
            added = torch.cat([block.lengths for block in layout.blocks]).to(key.device)
            self.lengths = torch.cat([self.lengths.to(key.device), added])
            self._prepare()
        if layer == len(self.pairs):
            shape = (self._room, key.shape[1], self._capacity, key.shape[3])
            # Zeros, because a masked place still meets keys and values: NaN times nothing is NaN.
            self.pairs.append((key.new_zeros(shape), value.new_zeros(shape)))
        for target, source in zip(self.pairs[layer], (key, value), strict=True):
            row = self._begin
            for block in layout.blocks:
                part = source[0, :, block.start : block.stop].reshape(-1, block.rows, block.width, source.shape[3])
                rows = target[row : row + block.rows]
                rows[:, :, : block.width] = part.transpose(0, 1)
                # Who was here before may have left NaN. Once a row that takes a place over, never in a step.
                rows[: max(0, self._touched - row), :, block.width :] = 0
                row += block.rows

    def claim(self, lengths: Tensor, *, layers: int, heads: int, size: int, dtype: torch.dtype) -> None:
        """Add rows of these lengths, which a kernel fills: it alone knows how `pairs` are laid out within a row."""
        self.lengths = torch.cat([self.lengths, lengths])
        self._prepare()
        if not self.pairs:
            shape = (self._room, heads, self._capacity, size)
            self.pairs = [(torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype)) for _ in range(layers)]

    def _prepare(self) -> None:
        """Forget what was worked out for the rows as they were."""
        self._width = 0
        self._mask = None
        self._index = None

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Write one token's keys and values (rows, H_kv, D); returns the layer's cache (rows, H_kv, width, D)."""
        keys, values = self.pairs[layer]
        if self._index is None:
            self._index = torch.arange(len(self.lengths), device=self.lengths.device)
            self._width = int(self.lengths.max()) + 1
        keys[self._index, :, self.lengths] = key
        values[self._index, :, self.lengths] = value
        used = len(self.lengths)
        return keys[:used, :, : self._width], values[:used, :, : self._width]

    def visible(self, window: int | None) -> Tensor:
        """(rows, 1, 1, width), True = the new token sees this place (itself included)."""
        if self._mask is None or window is not None:
            place = torch.arange(self._width, device=self.lengths.device)[None]
            seen = place <= self.lengths[:, None]
            if window is not None:
                return (seen & (self.lengths[:, None] - place < window))[:, None, None]
            self._mask = seen[:, None, None]
        return self._mask

    def advance(self, tokens: int = 1) -> None:
        """Count the appended token of each row, or that many."""
        self.lengths = self.lengths + tokens
        self._prepare()

    def repeat(self, counts: Sequence[int]) -> None:
        """Write each of the last `len(counts)` rows that many times, in place of once (K completions of a prompt)."""
        begin = len(self.lengths) - len(counts)
        index = torch.arange(begin, len(self.lengths)).repeat_interleave(torch.tensor(counts))
        index = index.to(self.lengths.device)
        self.lengths = torch.cat([self.lengths[:begin], self.lengths.index_select(0, index)])
        for tensor in (t for pair in self.pairs for t in pair):
            tensor[begin : len(self.lengths)] = tensor.index_select(0, index)
        self._prepare()

    def remove(self, rows: Collection[int], *, in_order: bool) -> list[int]:
        """Free these rows; returns, for each row now, which one it was. What they held stays until `fill`.

        `in_order` keeps the others in order; without it only the last ones move, into the gaps, which is less work.
        """
        gone = set(rows)
        used = len(self.lengths)
        self._touched = max(self._touched, used)
        kept = [i for i in range(used) if i not in gone]
        order = kept
        if not in_order:
            movers = iter(i for i in kept if i >= len(kept))
            order = [next(movers) if place in gone else place for place in range(len(kept))]
        moved = [(place, was) for place, was in enumerate(order) if place != was]
        if moved:
            to, origin = (torch.tensor(side, device=self.lengths.device) for side in zip(*moved, strict=True))
            for tensor in (t for pair in self.pairs for t in pair):
                tensor[to] = tensor.index_select(0, origin)
        self.lengths = self.lengths[torch.tensor(order, dtype=torch.long, device=self.lengths.device)]
        self._prepare()
        return order
