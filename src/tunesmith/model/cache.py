"""Keys and values of past tokens, preallocated, one row for each sequence that is still being written."""

from __future__ import annotations

import torch
from torch import Tensor

from tunesmith.data.layout import Layout


class KeyValueCache:
    """Keys and values (layers, rows, heads, capacity, head_dim) and how many tokens each row holds.

    Call order of one decoding step: `append` once in every layer, then `advance`. Rows leave with `keep`.
    """

    def __init__(self, *, rows: int, capacity: int) -> None:
        self.capacity = capacity
        self.lengths = torch.zeros(rows, dtype=torch.long)
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._width = 0  # longest row, the new token included
        self._mask: Tensor | None = None
        self._index: Tensor | None = None

    def fill(self, layer: int, layout: Layout, key: Tensor, value: Tensor) -> None:
        """Store a layer's keys and values (1, H_kv, N, D) of the prompts: rows in the order of blocks, then rows."""
        heads, dim = key.shape[1], key.shape[3]
        shape = (len(self.lengths), heads, self.capacity, dim)
        assert layer == len(self._keys), "layers are filled once and in order"
        stored = (
            torch.zeros(shape, dtype=key.dtype, device=key.device),
            torch.zeros(shape, dtype=value.dtype, device=value.device),
        )
        for target, source in zip(stored, (key, value), strict=True):
            row = 0
            for block in layout.blocks:
                part = source[0, :, block.start : block.stop].reshape(heads, block.rows, block.width, dim)
                target[row : row + block.rows, :, : block.width] = part.transpose(0, 1)
                row += block.rows
        self._keys.append(stored[0])
        self._values.append(stored[1])
        if layer == 0:
            self.lengths = torch.cat([block.lengths for block in layout.blocks]).to(key.device)
            self._prepare()

    def _prepare(self) -> None:
        self._width = int(self.lengths.max()) + 1 if len(self.lengths) else 0
        self._mask = None
        self._index = torch.arange(len(self.lengths), device=self.lengths.device)

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Write one token's keys and values (rows, H_kv, D); returns the layer's cache (rows, H_kv, width, D)."""
        assert self._index is not None
        self._keys[layer][self._index, :, self.lengths] = key
        self._values[layer][self._index, :, self.lengths] = value
        return self._keys[layer][:, :, : self._width], self._values[layer][:, :, : self._width]

    def visible(self, window: int | None) -> Tensor:
        """(rows, 1, 1, width), True = the new token sees this place (itself included)."""
        if self._mask is None or window is not None:
            place = torch.arange(self._width, device=self.lengths.device)[None]
            seen = place <= self.lengths[:, None]
            if window is not None:
                return (seen & (self.lengths[:, None] - place < window))[:, None, None]
            self._mask = seen[:, None, None]
        return self._mask

    def advance(self) -> None:
        """Count the appended token."""
        self.lengths = self.lengths + 1
        self._prepare()

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows, in this order; a row may be repeated (K completions of one prompt)."""
        self._keys = [t.index_select(0, rows) for t in self._keys]
        self._values = [t.index_select(0, rows) for t in self._values]
        self.lengths = self.lengths.index_select(0, rows)
        self._prepare()
