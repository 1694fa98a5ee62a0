from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tunesmith.core.errors import DataError
from tunesmith.statistics.rates import (
    Rate,
    cluster_bootstrap,
    clustered_rate,
    holm,
    paired_difference,
    sign_test,
    wilson,
)


def test_wilson_fixture_t_ev_12():
    """T-EV-12: Wilson 60/100; Wald and Clopper-Pearson intervals differ from it in the known direction."""
    rate = wilson(60, 100)
    assert rate == pytest.approx((0.6, 0.502003, 0.690599, 100), abs=1e-6)
    exact = stats.binomtest(60, 100).proportion_ci(0.95, method="exact")
    half = 1.959964 * np.sqrt(0.6 * 0.4 / 100)
    assert exact.low < rate.low < 0.6 - half
    assert rate.high < 0.6 + half < exact.high


@pytest.mark.parametrize("n", [1, 2, 7, 400])
def test_wilson_edges_t_ev_12(n):
    """T-EV-12: 0/n and n/n stay inside [0, 1], have positive width and mirror each other."""
    none, every = wilson(0, n), wilson(n, n)
    assert (none.value, none.low, every.value, every.high) == pytest.approx((0.0, 0.0, 1.0, 1.0))
    assert 0.0 <= none.low < none.high < 1.0
    assert none.high == pytest.approx(1.0 - every.low)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (3, 2), (-1, 4)])
def test_wilson_refuses_what_is_not_a_proportion(successes, n):
    with pytest.raises(DataError):
        wilson(successes, n)


def test_rate_is_the_contracts_object():
    assert Rate(0.5, 0.4, 0.6, 10).to_json() == {"value": 0.5, "low": 0.4, "high": 0.6, "n": 10}


def test_clustered_interval_covers_t_ev_9():
    """T-EV-9: 200 prompts x 10 correlated values: the naive interval covers about 66 %, the clustered about 95 %."""
    generator = np.random.default_rng(1)
    simulations, covered, naive_covered = 200, 0, 0
    for simulation in range(simulations):
        values = generator.normal(0.0, 0.62, (200, 1)) + generator.normal(0.0, 0.79, (200, 10))
        rate = cluster_bootstrap(values.tolist(), seed=simulation, resamples=300)
        covered += rate.low <= 0.0 <= rate.high
        half = 1.96 * values.std(ddof=1) / np.sqrt(values.size)
        naive_covered += abs(values.mean()) <= half
    # Three standard errors of 200 simulations around the coverage.
    assert 0.90 <= covered / simulations <= 0.99
    assert 0.55 <= naive_covered / simulations <= 0.77


def test_the_same_judgement_ten_times_is_one_t_ev_9():
    """T-EV-9: copies of a prompt's value make the interval no narrower; half the prompts say 1, half say 0."""
    once = wilson(50, 100)
    tenfold = clustered_rate([[1.0] * 10] * 50 + [[0.0] * 10] * 50, seed=0)
    assert tenfold.n == 100
    assert tenfold.high - tenfold.low == pytest.approx(once.high - once.low, rel=0.1)


def test_bootstrap_repeats_with_its_seed_t_ev_9():
    """T-EV-9: the same seed gives the same interval, another seed another one."""
    values = np.random.default_rng(1).random((30, 4)).tolist()
    first = cluster_bootstrap(values, seed=3)
    assert cluster_bootstrap(values, seed=3) == first
    assert cluster_bootstrap(values, seed=4) != first
    assert first.n == 30


def test_mean_of_unequal_clusters_is_over_pooled_values():
    rate = cluster_bootstrap([[1.0, 1.0, 1.0], [0.0]], seed=0)
    assert rate.value == 0.75


def test_any_statistic_of_pooled_values():
    values = np.random.default_rng(2).random((40, 3)).tolist()
    fast = cluster_bootstrap(values, seed=0)
    general = cluster_bootstrap(values, seed=0, statistic=lambda pooled: float(pooled.mean()))
    assert general.value == pytest.approx(fast.value)
    assert (general.low, general.high) == pytest.approx((fast.low, fast.high), abs=0.01)


@pytest.mark.parametrize("clusters", [[], [[1.0, 0.0]], [[1.0], []]])
def test_bootstrap_refuses_too_little(clusters):
    with pytest.raises(DataError):
        cluster_bootstrap(clusters, seed=0)


def test_one_decision_per_prompt_is_wilson():
    assert clustered_rate([[1.0]] * 60 + [[0.0]] * 40, seed=0) == wilson(60, 100)


@pytest.mark.parametrize("values", [[0.5], [1.0, 0.0], [1.0, 1.0]])
@pytest.mark.parametrize("n", [1, 4, 5])
def test_equal_prompts_never_give_a_zero_width_interval(values, n):
    rate = clustered_rate([values] * n, seed=0)
    assert rate.low < rate.value < rate.high or rate.value in (0.0, 1.0)
    assert rate.high - rate.low > 0.2
    if rate.value == 0.5:
        assert rate.low == pytest.approx(1.0 - rate.high)


@pytest.mark.parametrize("values", [[], [[]], [[1.5]], [[float("nan")]]])
def test_clustered_rate_refuses_what_is_not_a_rate(values):
    with pytest.raises(DataError):
        clustered_rate(values, seed=0)


def test_pairing_removes_the_variance_of_prompts():
    generator = np.random.default_rng(5)
    hard = generator.random(300) < 0.5
    first, second = hard.copy(), hard.copy()
    first[:30] = True
    second[:30] = False
    difference = paired_difference(first, second, seed=0)
    assert difference.value == pytest.approx(0.1)
    assert 0.0 < difference.low < 0.1 < difference.high < 0.15
    mirrored = paired_difference(second, first, seed=0)
    assert (mirrored.value, mirrored.low, mirrored.high) == pytest.approx((-0.1, -difference.high, -difference.low))


def test_no_difference_seen_is_not_no_difference():
    difference = paired_difference([1, 0, 1, 1], [1, 0, 1, 1], seed=0)
    assert difference.value == 0.0
    assert difference.low == -difference.high == pytest.approx(-wilson(0, 4).high)


def test_paired_values_must_pair():
    with pytest.raises(DataError):
        paired_difference([1, 0], [1], seed=0)


def test_sign_test_fixture():
    assert sign_test(60, 40) == pytest.approx(0.056888, abs=1e-6)
    assert sign_test(0, 0) == 1.0


def test_holm_by_hand():
    # Sorted .01, .03, .04 times 3, 2, 1 = .03, .06, .04, made monotone: .03, .06, .06.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
