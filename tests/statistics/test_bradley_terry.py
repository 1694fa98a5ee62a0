from __future__ import annotations

import numpy as np
import pytest

from tunesmith.core.errors import DataError
from tunesmith.statistics.bradley_terry import ELO, Game, ladder, strengths

# 0 beat 1 8-2, 0 beat 2 9-1, 1 beat 2 6-4.
WINS = np.array([[0.0, 8.0, 9.0], [2.0, 0.0, 6.0], [1.0, 4.0, 0.0]])


def test_fixture_t_ev_8():
    """T-EV-8: the strengths of rlhf_spec 6.5."""
    found = strengths(WINS)
    assert found == pytest.approx([1.170190, -0.341714, -0.828476], abs=1e-4)
    assert found * ELO == pytest.approx([203.283, -59.362, -143.921], abs=2e-2)


def test_gauge_and_doubling_t_ev_8():
    """T-EV-8: the mean is 0, and twice the data says the same."""
    assert strengths(WINS).sum() == pytest.approx(0.0, abs=1e-9)
    assert strengths(2 * WINS) == pytest.approx(strengths(WINS), abs=1e-4)
    order = [2, 0, 1]
    assert strengths(WINS[np.ix_(order, order)]) == pytest.approx(strengths(WINS)[order], abs=1e-4)


def test_what_does_not_hang_together_is_an_error_t_ev_8():
    """T-EV-8: a model that never won, and two islands."""
    with pytest.raises(DataError, match="do not fix"):
        strengths(np.array([[0.0, 5.0], [0.0, 0.0]]))
    islands = np.zeros((4, 4))
    islands[0, 1] = islands[1, 0] = islands[2, 3] = islands[3, 2] = 3
    with pytest.raises(DataError, match="do not fix"):
        strengths(islands)


def test_ladder_resamples_prompts():
    """Ten copies of each judgement within a prompt add no information: the interval stays as wide."""
    generator = np.random.default_rng(0)
    games = []
    for prompt in range(60):
        for a, b, p in (("x", "y", 0.7), ("x", "z", 0.8), ("y", "z", 0.6)):
            games.append(Game(a, b, float(generator.random() < p), str(prompt)))
    once, ten = ladder(games, seed=0, resamples=100), ladder(games * 10, seed=0, resamples=100)
    assert [row.model for row in once] == ["x", "y", "z"]
    for one, many in zip(once, ten, strict=True):
        assert one.low is not None and one.high is not None and many.low is not None
        assert one.low < one.elo < one.high
        assert many.low == pytest.approx(one.low, abs=1.0)
        assert many.n == 10 * one.n


def test_a_tie_is_half_a_win_for_both():
    games = [Game("a", "b", 0.5, str(i)) for i in range(5)]
    assert [row.elo for row in ladder(games, seed=0, resamples=20)] == pytest.approx([0.0, 0.0])
