"""Where sequences lie in the flat token stream that a model reads.

The stream is a row of rectangles ("blocks"). A block holds sequences of similar length, one a row, padded on the right
to the block's width, so that every linear and element-wise operation runs on one long stream and attention runs on
plain rectangles (which is what is fast on a CPU). A block may continue another: K completions of a prompt form a block
whose rows each name the prompt's row in the parent block, and the prompt is computed once.

    stream  [ p0 p0 p0 . | p1 p1 p1 p1 |  c00 c00 . | c01 c01 c01 | c10 c10 c10 | c11 . . ]
              parent block, 2 rows of 4     child block, 4 rows of 3, parent_rows = (0, 0, 1, 1)
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

FILLED_TO = 128


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


class Families(NamedTuple):
    """The same rows without their rectangles: each row that continues none, and behind it those that continue it.

    `rows` (R, 4), whole numbers: a row's start in the stream and its real tokens, and the same of the row that it
    continues (0 tokens: none). `begins` (F + 1,): where each family begins in `rows`, and where the last one ends.
    """

    rows: Tensor
    begins: Tensor


@dataclass(frozen=True)
class Layout:
    """The blocks of one stream, in stream order; a parent stands before its children and continues none itself."""

    blocks: tuple[Block, ...]

    @functools.cached_property
    def families(self) -> Families:
        """The rows of all blocks by family."""
        found: dict[tuple[int, int], list[tuple[int, int, int, int]]] = {}
        for number, block in enumerate(self.blocks):
            lengths = block.lengths.tolist()
            above = [None] * block.rows if block.parent_rows is None else block.parent_rows.tolist()
            for row, (length, parent_row) in enumerate(zip(lengths, above, strict=True)):
                start = block.start + row * block.width
                if block.parent is None or parent_row is None:
                    found[number, row] = [(start, length, 0, 0)]
                else:
                    family = found[block.parent, parent_row]
                    family.append((start, length, *family[0][:2]))
        sizes = torch.tensor([0, *map(len, found.values())])
        rows = torch.tensor([row for family in found.values() for row in family])
        return Families(rows, sizes.cumsum(0))

    @functools.cached_property
    def filled(self) -> Layout:
        """This stream made longer by padding, to a multiple of `FILLED_TO` positions."""
        missing = -self.length % FILLED_TO
        if not missing:
            return self
        # One "real" token, since a row of none would be a case of its own for every reader; nothing is read from it.
        filler = Block(self.length, 1, missing, torch.ones(1, dtype=torch.long))
        return Layout((*self.blocks, filler))

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
