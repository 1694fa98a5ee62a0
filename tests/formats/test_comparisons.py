from __future__ import annotations

import pytest

from tunesmith.core.records import Completion, Message, Ranking, RankingLabel
from tunesmith.formats.comparisons import comparisons


def ranking(order: tuple[tuple[str, ...], ...], k: int, labelers: int = 1) -> Ranking:
    return Ranking(
        messages=(Message("user", "q"),),
        completions=tuple(Completion(id=str(i), text=f"text {i}") for i in range(k)),
        rankings=tuple(RankingLabel(labeler=f"l{n}", order=order) for n in range(labelers)),
        meta={"user": "u"},
    )


@pytest.mark.parametrize(("k", "expected"), [(4, 6), (5, 10), (6, 15), (7, 21), (8, 28), (9, 36)])
def test_t_data_5_pairs_of_k_completions(k: int, expected: int) -> None:
    """T-DATA-5: C(K, 2) pairs for K = 4..9."""
    order = tuple((str(i),) for i in range(k))
    found = comparisons(ranking(order, k))
    assert len(found) == expected
    assert all(pair.chosen < pair.rejected for pair in found)


def test_t_data_5_ties_give_no_pair() -> None:
    """T-DATA-5: minus ties. Of 36 pairs, groups of 3 and 2 tie 3 + 1."""
    order = (("0",), ("1", "2", "3"), ("4",), ("5", "6"), ("7",), ("8",))
    assert len(comparisons(ranking(order, 9))) == 36 - 3 - 1
    assert comparisons(ranking((("0", "1", "2", "3"),), 4)) == []


def test_each_labeler_gives_their_own_pairs_and_unranked_completions_none() -> None:
    found = comparisons(ranking((("2",), ("0",)), 4, labelers=2))
    assert [(pair.chosen, pair.rejected) for pair in found] == [("text 2", "text 0")] * 2
    assert [pair.meta for pair in found] == [{"user": "u", "labeler": "l0"}, {"user": "u", "labeler": "l1"}]
