from __future__ import annotations

import pytest

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
