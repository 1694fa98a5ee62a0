from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tunesmith.core.errors import DataError
from tunesmith.evaluate.best_of_n import best_of_n, best_of_n_kl

KL = {1: 0.0, 2: 0.193147, 4: 0.636294, 16: 1.835089, 64: 3.174508, 1000: 5.908755, 60000: 10.002117}


@pytest.mark.parametrize(("n", "kl"), KL.items())
def test_kl_values_t_ev_14(n, kl):
    """T-EV-14: log n - (n - 1) / n."""
    assert best_of_n_kl(n) == pytest.approx(kl, abs=1e-6)


def discrete_kl(outcomes, n):
    cumulative = np.arange(outcomes + 1) / outcomes
    chosen = np.diff(cumulative**n)
    return float((chosen * np.log(chosen * outcomes)).sum())


@pytest.mark.parametrize(("outcomes", "n", "true"), [(2, 2, 0.130812), (2, 16, 0.692963), (10, 4, 0.628825)])
def test_kl_is_an_upper_bound_t_ev_14(outcomes, n, true):
    """T-EV-14: where outcomes can tie, the true KL is below the formula."""
    assert discrete_kl(outcomes, n) == pytest.approx(true, abs=1e-6)
    assert discrete_kl(outcomes, n) < best_of_n_kl(n)


@pytest.mark.parametrize(("n", "expected"), [(1, 1.5), (2, 2.333333), (3, 2.75), (4, 3.0)])
def test_estimator_fixture_t_ev_14(n, expected):
    """T-EV-14: scores 0, 1, 2, 3."""
    assert best_of_n([0, 1, 2, 3], [0, 1, 2, 3], n) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_estimator_is_the_mean_over_all_subsets_t_ev_14(n, ties):
    """T-EV-14: equals brute force over all subsets, also with tied proxy scores, broken uniformly."""
    generator = np.random.default_rng(n)
    proxy = generator.integers(0, 3, 7).astype(float) if ties else generator.random(7)
    gold = generator.normal(size=7)
    wins = []
    for subset in itertools.combinations(range(7), n):
        best = max(proxy[i] for i in subset)
        wins.append(np.mean([gold[i] for i in subset if proxy[i] == best]))
    assert len(wins) == math.comb(7, n)
    assert best_of_n(proxy, gold, n) == pytest.approx(np.mean(wins), abs=1e-9)


@pytest.mark.parametrize("n", [0, 4])
def test_n_must_fit_the_samples(n):
    with pytest.raises(DataError):
        best_of_n([1, 2, 3], [1, 2, 3], n)
    with pytest.raises(DataError):
        best_of_n_kl(0)
