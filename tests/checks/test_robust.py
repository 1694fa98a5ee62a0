from __future__ import annotations

import numpy as np
import pytest

from tunesmith.checks.robust import OutlierRule, histogram, outlying


def test_the_modified_z_score_by_hand() -> None:
    values = np.array([*range(1, 22), 60.0])  # median 11.5, absolute deviations: MAD 5.5
    judged = outlying(values, OutlierRule(cut=5.0))
    assert judged is not None
    assert judged.median == 11.5
    assert judged.rows.tolist() == [21]
    assert judged.z[0] == pytest.approx((60 - 11.5) / (1.4826 * 5.5))
    assert (judged.low, judged.high) == pytest.approx((11.5 - 5 * 1.4826 * 5.5, 11.5 + 5 * 1.4826 * 5.5))


def test_a_third_of_wild_values_does_not_hide_them() -> None:
    values = np.concatenate([np.linspace(0, 1, 60), np.full(30, 100.0)])
    judged = outlying(values, OutlierRule())
    assert judged is not None and judged.rows.tolist() == list(range(60, 90))


def test_sides() -> None:
    values = np.array([*np.linspace(0, 1, 40), 50.0, -50.0])
    rows = {side: outlying(values, OutlierRule(side=side)) for side in ("both", "high", "low")}
    assert {side: judged.rows.tolist() for side, judged in rows.items() if judged} == {
        "both": [40, 41],
        "high": [40],
        "low": [41],
    }
    assert rows["high"] is not None and rows["high"].low is None


def test_nearly_equal_values_have_no_outliers_below_the_least_scale() -> None:
    values = np.array([1.0] * 50 + [1.2])
    judged, strict = outlying(values, OutlierRule(least_scale=0.35)), outlying(values, OutlierRule())
    assert judged is not None and judged.rows.tolist() == []
    assert strict is not None and strict.rows.tolist() == [50]
    equal = outlying(np.ones(30), OutlierRule())
    assert equal is not None and equal.rows.tolist() == []


def test_values_that_are_not_known_are_not_judged() -> None:
    values = np.array([*np.linspace(0, 1, 30), np.nan, 99.0])
    judged = outlying(values, OutlierRule())
    assert judged is not None and judged.rows.tolist() == [31]
    assert outlying(np.full(40, np.nan), OutlierRule()) is None
    assert outlying(np.arange(19.0), OutlierRule()) is None
    assert sum(histogram(values)["counts"]) == 31
