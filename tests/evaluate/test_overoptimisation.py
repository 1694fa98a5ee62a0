from __future__ import annotations

import math

import numpy as np
import pytest

from tunesmith.core.errors import DataError
from tunesmith.evaluate.overoptimisation import FORMS, OveroptimisationPoint, fit, peak_of

PLANTED = {"best_of_n": (0.5, 0.05), "rl": (0.5, 0.2)}


def planted(method, *, furthest, noise=0.01):
    kl = np.linspace(0.1, furthest, 40)
    gold = FORMS[method](np.sqrt(kl), *PLANTED[method]) + np.random.default_rng(0).normal(0.0, noise, 40)
    return [OveroptimisationPoint(float(k), 2.0 * math.sqrt(k), float(g)) for k, g in zip(kl, gold, strict=True)]


@pytest.mark.parametrize("method", PLANTED)
def test_planted_coefficients_are_recovered_t_ev_15(method):
    """T-EV-15: alpha, beta and the peak come back within 5 % from noisy points."""
    alpha, beta = PLANTED[method]
    peak = peak_of(method, alpha, beta)
    result = fit(planted(method, furthest=60.0), method)
    assert result.alpha == pytest.approx(alpha, rel=0.05)
    assert result.beta == pytest.approx(beta, rel=0.05)
    assert math.sqrt(result.peak_kl) == pytest.approx(math.sqrt(peak.kl), rel=0.05)
    assert result.peak_gold == pytest.approx(peak.gold, rel=0.05)
    assert result.reached
    assert result.r_squared > 0.9


def test_peak_formulas_t_ev_15():
    """T-EV-15: the computed peaks of both forms, and that they are maxima of the curves."""
    best = peak_of("best_of_n", 0.5, 0.05)
    assert (math.sqrt(best.kl), best.gold) == pytest.approx((5.0, 1.25))
    rl = peak_of("rl", 0.5, 0.2)
    assert (math.sqrt(rl.kl), rl.gold) == pytest.approx((4.4817, 0.89634), abs=1e-4)
    for method, peak in (("best_of_n", best), ("rl", rl)):
        d = math.sqrt(peak.kl) * np.array([0.99, 1.0, 1.01])
        low, top, high = FORMS[method](d, *PLANTED[method])
        assert top == pytest.approx(peak.gold)
        assert low < top > high


def test_a_peak_beyond_the_data_is_predicted_not_seen():
    result = fit(planted("best_of_n", furthest=9.0, noise=0.001), "best_of_n")
    assert result.peak_kl > 9.0
    assert not result.reached


def test_a_curve_that_never_falls_has_no_peak():
    points = [OveroptimisationPoint(k, 1.0, math.sqrt(k)) for k in (0.0, 1.0, 2.0, 4.0, 9.0)]
    result = fit([p._replace(gold=p.gold + 0.01 * p.kl) for p in points], "best_of_n")
    assert result.peak_kl is None
    assert not result.reached
    assert peak_of("rl", 5.0, 1e-9) is None


def test_the_start_of_training_is_a_point_of_the_rl_form():
    assert FORMS["rl"](np.array([0.0]), 0.5, 0.2) == pytest.approx(0.0)


def test_too_few_points():
    with pytest.raises(DataError):
        fit([OveroptimisationPoint(-0.1, 0, 0), OveroptimisationPoint(1, 1, 1), OveroptimisationPoint(2, 1, 1)], "rl")
