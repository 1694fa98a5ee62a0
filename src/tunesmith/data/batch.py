"""Token sequences and prompt trees become one packed batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tunesmith.data.layout import Block, Layout, group_by_length


class TokenSequence(NamedTuple):
    """Ids of one sequence. `loss_mask[i]` True (or 1): token i is a target (the first token never counts as one)."""

    ids: Sequence[int]
    loss_mask: Sequence[int]
    key: str


class TokenTree(NamedTuple):
    """One prompt and the completions that share it; every completion token is a target."""

    prompt: Sequence[int]
    completions: Sequence[Sequence[int]]
    key: str


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """A packed batch: N stream positions, M targets, S sequences (a tree counts one for each completion).

    `ids`, `positions` (N,): token and its place in its sequence, prompt included. `source` (M,): the stream index whose
    hidden state predicts `targets` (M,); `place` (M,): the stream index where that target stands itself. `owner` (M,):
    the target's sequence, ascending; within a sequence, targets are in order. `last` (S,): the stream index of each
    sequence's last token, where a reward model is read.
    """

    ids: Tensor
    positions: Tensor
    layout: Layout
    source: Tensor
    place: Tensor
    targets: Tensor
    owner: Tensor
    last: Tensor
    keys: tuple[str, ...]
    tokens: int

    @property
    def sequences(self) -> int:
        """S, the number of sequences."""
        return len(self.last)

    def target_counts(self) -> Tensor:
        """(S,) how many targets each sequence has."""
        return torch.bincount(self.owner, minlength=self.sequences)

    def to(self, device: torch.device) -> TokenBatch:
        """Return the batch on `device`."""
        if self.ids.device == device:
            return self
        names = ("ids", "positions", "source", "place", "targets", "owner", "last")
        moved = {name: getattr(self, name).to(device, non_blocking=True) for name in names}
        return replace(self, layout=self.layout.to(device), **moved)


class _Placed(NamedTuple):
    block: Block
    rows: list[int]  # the original index of each row


def _place(lengths: Sequence[int], start: int, max_waste: float) -> list[_Placed]:
    """Lay sequences out in near-rectangular blocks from `start` on."""
    placed = []
    for group in group_by_length(lengths, max_waste=max_waste):
        width = lengths[group[0]]
        rows = torch.tensor([lengths[i] for i in group])
        block = Block(start, len(group), width, rows)
        start = block.stop
        placed.append(_Placed(block, group))
    return placed


def pack(sequences: Sequence[TokenSequence], *, max_waste: float = 0.1) -> TokenBatch:
    """Return a batch of independent sequences; their order in `last` and `owner` is the order given."""
    placed = _place([len(s.ids) for s in sequences], 0, max_waste)
    n = placed[-1].block.stop
    ids, positions = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    begin = np.zeros(len(sequences), dtype=np.int64)
    for block, rows in placed:
        for row, index in enumerate(rows):
            at, length = block.start + row * block.width, len(sequences[index].ids)
            ids[at : at + length] = sequences[index].ids
            positions[at : at + length] = np.arange(length)
            begin[index] = at
    place, targets, owner = [], [], []
    for index, sequence in enumerate(sequences):
        learned = np.flatnonzero(np.asarray(sequence.loss_mask, dtype=bool)[1:]) + 1
        place.append(begin[index] + learned)
        targets.append(np.asarray(sequence.ids, dtype=np.int64)[learned])
        owner.append(np.full(len(learned), index))
    lengths = np.array([len(s.ids) for s in sequences])
    return TokenBatch(
        ids=torch.from_numpy(ids),
        positions=torch.from_numpy(positions),
        layout=Layout(tuple(p.block for p in placed)),
        source=_joined(place) - 1,
        place=_joined(place),
        targets=_joined(targets),
        owner=_joined(owner),
        last=torch.from_numpy(begin + lengths - 1),
        keys=tuple(s.key for s in sequences),
        tokens=int(lengths.sum()),
    )


def pack_trees(trees: Sequence[TokenTree], *, max_waste: float = 0.1) -> TokenBatch:
    """Return a batch in which each prompt stands once and its completions continue it.

    Sequences are numbered tree by tree, completion by completion. The first token of each of a prompt's completions
    has the same `source`: the prompt's last token.
    """
    prompts = _place([len(t.prompt) for t in trees], 0, max_waste)
    flat = [(t, c) for t, tree in enumerate(trees) for c in tree.completions]
    where = {index: (b, row) for b, (_, rows) in enumerate(prompts) for row, index in enumerate(rows)}
    children: list[_Placed] = []
    start = prompts[-1].block.stop
    for number, parent in enumerate(prompts):
        members = [i for i, (t, _) in enumerate(flat) if where[t][0] == number]
        for block, rows in _place([len(flat[i][1]) for i in members], start, max_waste):
            chosen = [members[r] for r in rows]
            parent_rows = torch.tensor([where[flat[i][0]][1] for i in chosen])
            children.append(
                _Placed(Block(block.start, block.rows, block.width, block.lengths, number, parent_rows), chosen)
            )
            start = block.stop
        del parent
    ids, positions = np.zeros(start, dtype=np.int64), np.zeros(start, dtype=np.int64)
    prompt_end = np.zeros(len(trees), dtype=np.int64)
    for block, rows in prompts:
        for row, index in enumerate(rows):
            at, length = block.start + row * block.width, len(trees[index].prompt)
            ids[at : at + length] = trees[index].prompt
            positions[at : at + length] = np.arange(length)
            prompt_end[index] = at + length - 1
    begin = np.zeros(len(flat), dtype=np.int64)
    for block, rows in children:
        for row, index in enumerate(rows):
            tree, completion = flat[index]
            at, length = block.start + row * block.width, len(completion)
            ids[at : at + length] = completion
            positions[at : at + length] = len(trees[tree].prompt) + np.arange(length)
            begin[index] = at
    source, place, owner = [], [], []
    for index, (tree, completion) in enumerate(flat):
        stands = begin[index] + np.arange(len(completion))
        place.append(stands)
        source.append(np.concatenate([prompt_end[[tree]], stands[:-1]]))
        owner.append(np.full(len(completion), index))
    lengths = np.array([len(c) for _, c in flat])
    return TokenBatch(
        ids=torch.from_numpy(ids),
        positions=torch.from_numpy(positions),
        layout=Layout(tuple(p.block for p in (*prompts, *children))),
        source=_joined(source),
        place=_joined(place),
        targets=_joined([np.asarray(c, dtype=np.int64) for _, c in flat]),
        owner=_joined(owner),
        last=torch.from_numpy(begin + lengths - 1),
        keys=tuple(t.key for t in trees),
        tokens=int(lengths.sum()) + sum(len(t.prompt) for t in trees),
    )


def _joined(parts: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.concatenate(parts).astype(np.int64)) if parts else torch.zeros(0, dtype=torch.long)
