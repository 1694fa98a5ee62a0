from __future__ import annotations

import math

import pytest

from tunesmith.evaluate.scorer import Likelihoods
from tunesmith.evaluate.scorers.pair_entropy import PairEntropy, binary_entropy, share_of_first


def test_entropy_is_in_bits_t_ev_13():
    """T-EV-13"""
    assert binary_entropy(0.5) == 1.0
    assert binary_entropy(0.9) == pytest.approx(0.468996, abs=1e-6)
    assert binary_entropy(0.0) == binary_entropy(1.0) == 0.0


def test_probability_is_renormalised_over_the_pair_t_ev_13():
    """T-EV-13: .009 and .001 of all texts are .9 and .1 of the pair."""
    assert share_of_first(math.log(0.009), math.log(0.001)) == pytest.approx(0.9)
    assert share_of_first(-2000.0, -2001.0) == pytest.approx(1 / (1 + math.exp(-1)))
    assert share_of_first(-9000.0, -10.0) == 0.0


def test_both_values_of_a_pair():
    scorer = PairEntropy("share_male")
    response = Likelihoods((math.log(0.9), math.log(0.1)), (False, False), (1, 1))
    values = scorer.score({}, response)
    assert values["entropy"] == pytest.approx([0.468996], abs=1e-6)
    assert values["share_male"] == [1.0]
    assert scorer.score({}, Likelihoods((-1.0, -1.0), (False, False), (1, 1)))["share_male"] == [0.5]
