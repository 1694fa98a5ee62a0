from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tunesmith.core.errors import DataError
from tunesmith.statistics.several_tests import benjamini_hochberg, corrected, sign_flip_test


def test_benjamini_hochberg_is_scipys():
    p = [0.01, 0.04, 0.03, 0.005, 0.8]
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p).tolist())
    assert corrected(p, "bh") == benjamini_hochberg(p)
    assert corrected(p, "holm")[3] == pytest.approx(0.025)
    assert benjamini_hochberg([]) == []


def test_few_differences_are_tested_exactly():
    # 5 equal differences: only all plus and all minus are as far from zero: 2 of 32 patterns.
    assert sign_flip_test([0.1] * 5, seed=0) == pytest.approx(2 / 32)
    assert sign_flip_test([0.0, 0.0], seed=0) == 1.0
    assert sign_flip_test([0.1] * 5 + [0.0] * 50, seed=0) == pytest.approx(2 / 32)
    with pytest.raises(DataError):
        sign_flip_test([], seed=0)


def test_many_differences_agree_with_the_sign_test():
    """30 against 10 equal steps: the exact binomial p-value."""
    p = sign_flip_test([1.0] * 30 + [-1.0] * 10, seed=0)
    assert p == pytest.approx(stats.binomtest(30, 40).pvalue, abs=0.002)
    assert sign_flip_test([1.0] * 60, seed=0) > 0


def test_level_is_held():
    """Under no difference, 5 % of tests are below .05."""
    generator = np.random.default_rng(0)
    hits = sum(sign_flip_test(generator.normal(size=12), seed=0) < 0.05 for _ in range(400))
    assert 0.02 <= hits / 400 <= 0.085
