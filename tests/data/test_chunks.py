from __future__ import annotations

from tunesmith.data.chunks import split_by_tokens


def test_groups_hold_at_most_the_limit_and_every_row_once() -> None:
    sizes = [5, 1, 9, 3, 30, 2, 2, 7]
    groups = split_by_tokens(range(8), sizes, 10)
    assert sorted(i for g in groups for i in g) == list(range(8))
    for group in groups:
        assert sum(sizes[i] for i in group) <= 10 or len(group) == 1
    assert groups == split_by_tokens(reversed(range(8)), sizes, 10)


def test_only_the_named_rows_are_taken() -> None:
    assert split_by_tokens([3, 1], [9, 1, 9, 2], 10) == [[3, 1]]
