"""Where sequences lie in the flat token stream that a model reads.

The stream is a row of rectangles ("blocks"). A block holds sequences of similar length, one a row, padded on the right
to the block's width, so that every linear and element-wise operation runs on one long stream and attention runs on
plain rectangles (which is what is fast on a CPU). A block may continue another: K completions of a prompt form a block
whose rows each name the prompt's row in the parent block, and the prompt is computed once.

    stream  [ p0 p0 p0 . | p1 p1 p1 p1 |  c00 c00 . | c01 c01 c01 | c10 c10 c10 | c11 . . ]
              parent block, 2 rows of 4     child block, 4 rows of 3, parent_rows = (0, 0, 1, 1)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Block:
    """`rows` x `width` stream positions from `start`; `lengths` (rows,) are the real tokens of each row."""

    start: int
    rows: int
    width: int
    lengths: Tensor
    parent: int | None = None
    parent_rows: Tensor | None = None

    @property
    def stop(self) -> int:
        """One past the last stream position."""
        return self.start + self.rows * self.width


@dataclass(frozen=True, slots=True)
class Layout:
    """The blocks of one stream, in stream order; a parent stands before its children."""

    blocks: tuple[Block, ...]

    @property
    def length(self) -> int:
        """Stream length, padding included."""
        return self.blocks[-1].stop

    def to(self, device: torch.device) -> Layout:
        """Return the layout with its index tensors on `device`."""
        return Layout(
            tuple(
                Block(
                    b.start,
                    b.rows,
                    b.width,
                    b.lengths.to(device),
                    b.parent,
                    None if b.parent_rows is None else b.parent_rows.to(device),
                )
                for b in self.blocks
            )
        )


def group_by_length(lengths: Sequence[int], *, max_waste: float = 0.1) -> list[list[int]]:
    """Return groups of indexes of similar length: in each, padding is at most `max_waste` of the rectangle.

    Groups are as large as that allows; within a group and between groups, longer comes first.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    groups: list[list[int]] = []
    width = total = 0
    for index in order:
        n = lengths[index]
        if groups and (width * (len(groups[-1]) + 1) - (total + n)) <= max_waste * width * (len(groups[-1]) + 1):
            groups[-1].append(index)
            total += n
        else:
            groups.append([index])
            width, total = n, n
    return groups
