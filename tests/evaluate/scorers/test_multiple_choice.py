from __future__ import annotations

import math

import pytest

from tunesmith.evaluate.scorer import Likelihoods
from tunesmith.evaluate.scorers.multiple_choice import OneOfMany, TruthfulChoices, mc1, mc2, mc3

TRUE = [math.log(0.30), math.log(0.10)]
FALSE = [math.log(0.25), math.log(0.15), math.log(0.05)]


def test_fixture_t_ev_1():
    """T-EV-1: true .30 (best), .10; false .25, .15, .05."""
    assert mc1(TRUE[0], FALSE) == 1.0
    assert mc2(TRUE, FALSE) == pytest.approx(0.470588, abs=1e-6)
    assert mc3(TRUE, FALSE) == 0.5


def test_order_of_answers_does_not_matter_t_ev_1():
    """T-EV-1"""
    assert mc2(TRUE[::-1], FALSE[::-1]) == pytest.approx(mc2(TRUE, FALSE), abs=1e-12)
    assert mc3(TRUE[::-1], FALSE[::-1]) == mc3(TRUE, FALSE)
    target = {"best": 0, "true": [0, 1], "false": [2, 3, 4], "mc1_false": [2, 3, 4]}
    shuffled = {"best": 3, "true": [3, 0], "false": [1, 4, 2], "mc1_false": [4, 2, 1]}
    one = _likelihoods([*TRUE, *FALSE])
    other = _likelihoods([TRUE[1], FALSE[0], FALSE[2], TRUE[0], FALSE[1]])
    scorer = TruthfulChoices()
    ours, theirs = scorer.score(target, one), scorer.score(shuffled, other)
    assert ours.keys() == theirs.keys() == {"mc1", "mc2", "mc3"}
    assert [ours[m][0] for m in ours] == pytest.approx([theirs[m][0] for m in ours])


def test_long_answers_do_not_underflow_t_ev_1():
    """T-EV-1: exp(-2000) is zero in floating point; the ratio is not."""
    assert mc2([-2000.0], [-2000.0]) == pytest.approx(0.5)
    assert mc2([-2000.0], [-2001.0]) == pytest.approx(1 / (1 + math.exp(-1)))


def test_a_tie_is_no_win_t_ev_1():
    """T-EV-1: strictly larger."""
    assert mc1(-3.0, [-3.0, -9.0]) == 0.0


def test_an_item_without_false_answers_is_unscored():
    assert TruthfulChoices().score({"best": 0, "true": [0], "false": [], "mc1_false": []}, _likelihoods([-1.0])) == {}


def test_length_decides_only_where_it_is_normalised():
    response = Likelihoods((-10.0, -8.0), (False, False), (20, 4))
    assert OneOfMany().score({"answer": 0}, response) == {"accuracy_normalised": [1.0], "accuracy": [0.0]}


def test_equal_likelihoods_are_not_right():
    response = Likelihoods((-8.0, -8.0), (False, False), (4, 4))
    assert OneOfMany().score({"answer": 0}, response) == {"accuracy_normalised": [0.0], "accuracy": [0.0]}


def _likelihoods(logprobs: list[float]) -> Likelihoods:
    return Likelihoods(tuple(logprobs), (False,) * len(logprobs), (1,) * len(logprobs))
