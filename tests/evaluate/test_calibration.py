from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from tunesmith.core.errors import DataError
from tunesmith.evaluate.calibration import calibration
from tunesmith.evaluate.reward_accuracy import Margin


def bradley_terry(n, *, stretch=1.0):
    generator = np.random.default_rng(0)
    true = generator.normal(0.0, 1.5, n)
    sign = np.where(generator.random(n) < expit(true), 1.0, -1.0)
    return [Margin(str(i // 4), float(d)) for i, d in enumerate(stretch * true * sign)]


def test_bradley_terry_data_is_calibrated_t_rm_13():
    """T-RM-13: on synthetic Bradley-Terry data with the true margins the error is below .03."""
    result = calibration(bradley_terry(5000), seed=0)
    assert result.error < 0.03
    assert sum(row.pairs for row in result.bins) == 5000
    inside = [row.observed.low - 0.01 <= row.predicted <= row.observed.high + 0.01 for row in result.bins]
    assert sum(inside) >= len(inside) - 1


def test_overconfident_margins_are_seen():
    result = calibration(bradley_terry(4000, stretch=3.0), seed=0)
    assert result.error > 0.08
    assert result.bins[-1].predicted > result.bins[-1].observed.high


def test_error_by_hand():
    # Confidence sigma(2) = .880797; three of four right.
    pairs = [Margin(str(i), d) for i, d in enumerate([2.0, 2.0, 2.0, -2.0])]
    result = calibration(pairs, seed=0)
    assert result.error == pytest.approx(0.880797 - 0.75, abs=1e-6)
    (row,) = result.bins
    assert (row.low, row.high, row.pairs) == pytest.approx((0.85, 0.9, 4))


def test_zero_margin_is_half_right_at_one_half():
    assert calibration([Margin("0", 0.0), Margin("1", 0.0)], seed=0).error == 0.0


def test_certainty_stays_in_the_last_bin():
    (row,) = calibration([Margin("0", 800.0), Margin("1", 900.0)], seed=0).bins
    assert row.high == 1.0


def test_undefined_margins_are_left_out_and_counted():
    pairs = [Margin("0", float("nan")), Margin("1", 1.0), Margin("2", 1.0)]
    assert calibration(pairs, seed=0).left_out == 1
    with pytest.raises(DataError):
        calibration(pairs[:1], seed=0)
