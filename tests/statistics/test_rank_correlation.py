from __future__ import annotations

import random

import pytest
from scipy import stats

from tunesmith.core.records import RankingLabel
from tunesmith.statistics.rank_correlation import tau_b


def label(*groups: str) -> RankingLabel:
    return RankingLabel(labeler="x", order=tuple(tuple(group) for group in groups))


def test_by_hand() -> None:
    assert tau_b(label("a", "b", "c"), label("a", "b", "c")) == pytest.approx(1.0)
    assert tau_b(label("a", "b", "c"), label("c", "b", "a")) == pytest.approx(-1.0)
    # abc against acb: two pairs agree, one does not.
    assert tau_b(label("a", "b", "c"), label("a", "c", "b")) == pytest.approx(1 / 3)
    # a > b > c against a > (b c): 2 agree, none opposes, one tie on one side: 2 / sqrt(3 * 2).
    assert tau_b(label("a", "b", "c"), label("a", "bc")) == pytest.approx(2 / 6**0.5)


def test_a_labeler_who_ties_all_says_nothing() -> None:
    assert tau_b(label("abc"), label("a", "b", "c")) is None
    assert tau_b(label("a"), label("b")) is None


def test_another_implementation_finds_the_same() -> None:
    draw = random.Random(0)
    for _ in range(200):
        ranks = [[draw.randrange(4) for _ in range(6)] for _ in range(2)]
        one, two = (
            label(*("".join("abcdef"[n] for n in range(6) if side[n] == at) for at in range(4))) for side in ranks
        )
        expected = None if any(len(set(side)) == 1 for side in ranks) else stats.kendalltau(*ranks).statistic
        assert tau_b(one, two) == (None if expected is None else pytest.approx(expected))
