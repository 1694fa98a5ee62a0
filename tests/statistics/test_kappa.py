"""T-EV-10: the fixtures of the literature, invariance, perfect agreement, and what is undefined."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tunesmith.core.errors import DataError
from tunesmith.statistics.kappa import cohen_kappa, fleiss_kappa

# Fleiss 1971: ten subjects, five categories, fourteen raters.
FLEISS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


def test_t_ev_10_the_fixtures() -> None:
    assert fleiss_kappa(FLEISS) == pytest.approx(0.209931, abs=1e-5)
    assert cohen_kappa([[20, 5], [10, 15]]) == pytest.approx(0.4, abs=1e-12)


def test_t_ev_10_order_of_items_classes_and_raters_does_not_matter() -> None:
    generator = np.random.default_rng(0)
    table = np.asarray(FLEISS)
    mixed = table[generator.permutation(10)][:, generator.permutation(5)]
    assert fleiss_kappa(mixed.tolist()) == pytest.approx(fleiss_kappa(FLEISS), abs=1e-12)
    assert cohen_kappa([[20, 10], [5, 15]]) == pytest.approx(cohen_kappa([[20, 5], [10, 15]]), abs=1e-12)


def test_t_ev_10_perfect_is_one_and_one_class_is_undefined() -> None:
    assert cohen_kappa([[3, 0], [0, 4]]) == 1.0
    assert fleiss_kappa([[3, 0], [0, 3]]) == 1.0
    assert math.isnan(cohen_kappa([[5, 0], [0, 0]])) and math.isnan(fleiss_kappa([[3, 0], [3, 0]]))


def test_two_raters_by_fleiss_are_scott_and_not_cohen() -> None:
    # 20 agree on the first class, 15 on the second, 15 differ: Scott's pe is of the pooled shares .55 and .45.
    table = [[2, 0]] * 20 + [[0, 2]] * 15 + [[1, 1]] * 15
    pe = 0.55**2 + 0.45**2
    assert fleiss_kappa(table) == pytest.approx((0.7 - pe) / (1 - pe), abs=1e-12)
    assert fleiss_kappa(table) != pytest.approx(0.4, abs=1e-3)


@pytest.mark.parametrize("table", [[], [[1, 0], [2, 0]], [[1, 0]]])
def test_what_fleiss_cannot_take_is_an_error(table: list[list[int]]) -> None:
    with pytest.raises(DataError):
        fleiss_kappa(table)


def test_a_table_that_is_not_square_is_an_error() -> None:
    for table in ([[1, 2, 3]], [[0, 0], [0, 0]]):
        with pytest.raises(DataError):
            cohen_kappa(table)
