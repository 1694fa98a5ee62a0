from __future__ import annotations

import numpy as np
import pytest

from tunesmith.core.errors import DataError
from tunesmith.evaluate.win_rate import compare, win_rate

FLIP = {"win": "loss", "tie": "tie", "loss": "win"}


def random_outcomes(judges):
    drawn = np.random.default_rng(judges).choice(["win", "tie", "loss"], (60, judges), p=[0.5, 0.2, 0.3])
    return drawn.tolist()


@pytest.mark.parametrize("judges", [1, 3])
def test_antisymmetric_t_ev_5(judges):
    """T-EV-5: rate(a, b) + rate(b, a) = 1 including ties, and the intervals mirror each other."""
    outcomes = random_outcomes(judges)
    first = win_rate(outcomes, seed=0)
    second = win_rate([[FLIP[o] for o in row] for row in outcomes], seed=0)
    assert first.rate.value + second.rate.value == pytest.approx(1.0, abs=1e-12)
    assert first.rate.low + second.rate.high == pytest.approx(1.0, abs=1e-12)
    assert (first.wins, first.ties, first.losses) == (second.losses, second.ties, second.wins)


def test_against_itself_t_ev_5():
    """T-EV-5: a model against itself scores one half."""
    scores = np.random.default_rng(0).random(50)
    preference = win_rate([[compare(s, s)] for s in scores], seed=0)
    assert preference.rate.value == 0.5
    assert preference.ties == 50
    assert preference.rate.low < 0.5 < preference.rate.high


def test_mt_bench_fixture_t_ev_5():
    """T-EV-5: 10 wins and 4 ties of 20 are .6."""
    preference = win_rate([["win"]] * 10 + [["tie"]] * 4 + [["loss"]] * 6, seed=0)
    assert preference.rate.value == pytest.approx(0.6)
    assert preference.rate.n == 20


def test_labelers_of_one_prompt_do_not_count_as_prompts():
    agreed = win_rate([["win"] * 5] * 12 + [["loss"] * 5] * 8, seed=0)
    assert agreed.rate.n == 20
    assert agreed.rate.high - agreed.rate.low > 0.35
    assert agreed.wins == 60


def test_no_outcomes_are_refused():
    with pytest.raises(DataError):
        win_rate([], seed=0)


def test_compare():
    assert [compare(2.0, 1.0), compare(1.0, 1.0), compare(0.0, 1.0)] == ["win", "tie", "loss"]
