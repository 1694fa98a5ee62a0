"""How sequences and trees are laid out (T-PO-6, T-RM-9: where a score is read)."""

from __future__ import annotations

from array import array

import torch

from tunesmith.data.batch import TokenSequence, TokenTree, pack, pack_trees
from tunesmith.data.layout import group_by_length


def sequence(ids: list[int], learned: int) -> TokenSequence:
    return TokenSequence(ids, [False] * (len(ids) - learned) + [True] * learned, "k")


def test_targets_are_predicted_from_the_position_before() -> None:
    batch = pack([sequence([5, 6, 7], 2), sequence([8, 9, 10, 11], 1)])
    assert batch.targets.tolist() == [6, 7, 11]
    assert batch.ids[batch.source].tolist() == [5, 6, 10]
    assert batch.owner.tolist() == [0, 0, 1]
    assert batch.ids[batch.last].tolist() == [7, 11]
    assert batch.tokens == 7 and batch.sequences == 2


def test_compact_rows_make_the_same_batch_as_lists() -> None:
    lists = [
        sequence([5, 6, 7], 2),
        sequence([8, 70_000, 10, 11], 1),
        TokenSequence([3, 4, 5], [True, False, True], "k"),
    ]
    compact = [TokenSequence(array("i", s.ids), array("b", s.loss_mask), s.key) for s in lists]
    first, second = pack(lists), pack(compact)
    for name in ("ids", "positions", "source", "place", "targets", "owner", "last"):
        assert torch.equal(getattr(first, name), getattr(second, name))
    assert first.targets.tolist() == [6, 7, 11, 5]


def test_a_target_stands_at_its_place() -> None:
    flat = pack([sequence([5, 6, 7], 2), sequence([8, 9, 10, 11, 12], 2), sequence([3, 4], 1)])
    tree = pack_trees([TokenTree([1, 2, 3], [[4, 5], [6]], "a"), TokenTree([7], [[8, 9, 10]], "b")])
    for batch in (flat, tree):
        assert batch.ids[batch.place].tolist() == batch.targets.tolist()
        same = batch.owner[1:] == batch.owner[:-1]
        assert (batch.place[1:] > batch.place[:-1])[same].all()
    assert batch.place[-1] == batch.last[-1]


def test_the_first_token_is_never_a_target() -> None:
    batch = pack([sequence([5, 6], 2)])
    assert batch.targets.tolist() == [6]


def test_every_sequence_starts_at_position_zero() -> None:
    batch = pack([sequence([5] * n, 1) for n in (9, 2, 5)])
    for last, n in zip(batch.last.tolist(), (9, 2, 5), strict=True):
        assert batch.positions[last - n + 1 : last + 1].tolist() == list(range(n))


def test_a_tree_holds_its_prompt_once() -> None:
    batch = pack_trees([TokenTree([1, 2, 3], [[4, 5], [6]], "a"), TokenTree([7], [[8]], "b")])
    assert batch.tokens == 3 + 2 + 1 + 1 + 1
    assert batch.targets.tolist() == [4, 5, 6, 8]
    assert batch.ids[batch.source].tolist() == [3, 4, 3, 7]
    assert batch.source[0] == batch.source[2]  # both completions start from the prompt's last token
    assert batch.positions[batch.last].tolist() == [4, 3, 1]
    assert batch.owner.tolist() == [0, 0, 1, 2]
    assert batch.target_counts().tolist() == [2, 1, 1]


def test_padding_stays_within_bounds() -> None:
    lengths = [3, 100, 98, 50, 49, 47, 1, 96]
    groups = group_by_length(lengths, max_waste=0.1)
    assert sorted(i for g in groups for i in g) == list(range(len(lengths)))
    for group in groups:
        rectangle = len(group) * lengths[group[0]]
        assert rectangle - sum(lengths[i] for i in group) <= 0.1 * rectangle


def test_batch_order_permutes_sequences_only() -> None:
    """T-PO-6."""
    rows = [sequence([5, 6, 7], 2), sequence([8, 9], 1), sequence([3, 4, 5, 6], 3)]
    forward, backward = pack(rows), pack(rows[::-1])
    by_owner = [forward.targets[forward.owner == i].tolist() for i in range(3)]
    assert by_owner[::-1] == [backward.targets[backward.owner == i].tolist() for i in range(3)]
    assert torch.equal(forward.ids[forward.last], backward.ids[backward.last].flip(0))


def test_families_are_the_same_rows_without_their_rectangles() -> None:
    flat = pack([sequence([5] * n, 1) for n in (9, 2, 5)])
    rows, begins = flat.layout.families
    assert sorted(rows[:, 1].tolist()) == [2, 5, 9]
    assert rows[:, 2:].eq(0).all()
    assert begins.tolist() == [0, 1, 2, 3]
    trees = pack_trees([TokenTree([1, 2, 3], [[4, 5], [6]], "a"), TokenTree([7], [[8, 9, 10]], "b")])
    rows, begins = trees.layout.families
    sizes = begins.diff().tolist()
    assert sorted(sizes) == [2, 3]
    for begin, size in zip(begins.tolist(), sizes, strict=False):
        start, length, *above = rows[begin].tolist()
        assert above == [0, 0]
        assert trees.ids[start : start + length].tolist() == {3: [1, 2, 3], 2: [7]}[size]
        children = rows[begin + 1 : begin + size].tolist()
        assert all(child[2:] == [start, length] for child in children)
        texts = sorted(trees.ids[child[0] : child[0] + child[1]].tolist() for child in children)
        assert texts == {3: [[4, 5], [6]], 2: [[8, 9, 10]]}[size]


def test_a_filled_stream_is_the_same_one_with_padding_behind_it() -> None:
    stream = pack([TokenSequence([5] * n, [True] * n, str(n)) for n in (3, 2, 70, 90)]).layout
    assert 128 < stream.length < stream.filled.length == 256
    assert stream.filled.blocks[:-1] == stream.blocks and stream.filled.filled is stream.filled
    rows = stream.families.rows
    assert torch.equal(stream.filled.families.rows[: len(rows)], rows)
