"""T-EV-11: fixtures of rlhf_spec 6.7, type-I error under peeking at every n, power, monotone p."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tunesmith.core.errors import DataError
from tunesmith.statistics import sequential as seq
from tunesmith.statistics.sequential import (
    always_valid_rate,
    mean_difference,
    shares_e,
    two_means_e,
    two_proportions_e,
    win_loss_e,
)

Draw = Callable[[np.random.Generator, np.ndarray], np.ndarray]


def bernoulli(first: float, second: float) -> Draw:
    return lambda rng, g: (rng.random(g.size) < np.where(g == 1, second, first)).astype(float)


def rejections(test: Callable[..., seq.Series], draw: Draw, *, runs: int, n: int, share: float = 0.5) -> float:
    """The share of runs in which the p-value was ever at most 5 %, looking after every observation."""
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(runs):
        g = (rng.random(n) < share).astype(int)
        hits += bool(test(g, draw(rng, g)).p[-1] <= 0.05)
    return hits / runs


def test_the_specs_fixtures() -> None:
    assert np.exp(win_loss_e(60, 40).log_e[0]) == pytest.approx(0.91305, abs=1e-5)
    assert np.exp(win_loss_e(70, 30).log_e[0]) == pytest.approx(427.31, abs=0.01)
    assert win_loss_e(70, 30).p[0] == pytest.approx(0.00234, abs=1e-5)


def test_one_step_of_two_proportions_by_hand() -> None:
    # A says yes (rates 1/2, 1/2: no bet), then B says no. Running rates: A (1 + .5) / 2 = .75, B .5; their mean .625.
    found = two_proportions_e([0, 1], [1, 0])
    assert found.log_e == pytest.approx([0.0, np.log((1 - 0.5) / (1 - 0.625))])
    assert found.p == pytest.approx([1.0, 0.375 / 0.5])


def test_the_normal_mixture_is_the_specs_formula() -> None:
    rng = np.random.default_rng(3)
    g, y = np.tile([0, 1], 200), rng.normal(size=400)
    difference = y[g == 1].mean() - y[g == 0].mean()
    n, tau2 = 400, seq._mixture()
    pooled = y.var(ddof=1) * (2 / 200)
    own = y[g == 1].var(ddof=1) / 200 + y[g == 0].var(ddof=1) / 200
    s_n = difference / np.sqrt(max(pooled, own) / n)  # a sum of n unit-variance terms over sqrt(n), so s2 = 1
    expected = 0.5 * np.log(1 / (1 + n * tau2)) + tau2 * (s_n**2) / (2 * (1 + n * tau2))
    assert two_means_e(g, y).log_e[-1] == pytest.approx(expected)


def test_p_never_rises_and_the_order_of_arms_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    g = rng.integers(0, 2, 600)
    y = bernoulli(0.4, 0.6)(rng, g)
    for test in (two_proportions_e, two_means_e):
        p = test(g, y).p
        assert (np.diff(p) <= 0).all() and 0 < p[-1] < 0.05 and p[0] == 1.0
        assert test(1 - g, y).p == pytest.approx(p)


def test_type_one_error_stays_low_under_peeking() -> None:
    """Small enough for every day; the slow one below has the figures."""
    assert rejections(two_proportions_e, bernoulli(0.3, 0.3), runs=200, n=600) <= 0.08
    assert rejections(two_means_e, bernoulli(0.02, 0.02), runs=200, n=600, share=0.1) <= 0.08


def test_power_at_sixty_to_forty() -> None:
    assert rejections(two_proportions_e, bernoulli(0.4, 0.6), runs=100, n=1000) >= 0.95
    assert rejections(two_means_e, bernoulli(0.4, 0.6), runs=100, n=1000) >= 0.95
    wins = np.cumsum(np.random.default_rng(2).random((100, 1000)) < 0.6, axis=1)
    found = [win_loss_e(k, np.arange(1, 1001) - k).p[-1] <= 0.05 for k in wins]
    assert np.mean(found) >= 0.95


def test_an_interval_of_a_rate_is_the_inverted_test() -> None:
    for k, n in ((60, 100), (0, 40), (40, 40), (3, 1000)):
        rate = always_valid_rate(k, n)
        assert 0 <= rate.low <= k / n <= rate.high <= 1 and rate.low < rate.high
    # 60/100 does not reject one half (e = .913), 70/100 does (e = 427).
    assert always_valid_rate(60, 100).low < 0.5 < always_valid_rate(70, 100).low


def test_the_interval_of_a_difference_agrees_with_its_test() -> None:
    rng = np.random.default_rng(8)
    for shift in (0.0, 0.2, 0.35, 0.6):
        g = rng.integers(0, 2, 400)
        y = rng.normal(size=400) + shift * g
        rate = mean_difference(g, y)
        assert rate is not None
        excludes_zero = rate.low > 0 or rate.high < 0
        assert excludes_zero == (two_means_e(g, y).log_e[-1] >= np.log(20))
    assert mean_difference(g[:30], y[:30]) is None


def test_shares() -> None:
    assert shares_e([500, 500], [0.5, 0.5]).p[-1] == 1.0
    assert shares_e([620, 480], [0.5, 0.5]).p[-1] < 0.01
    assert shares_e([100, 901], [0.1, 0.9]).p[-1] > 0.5


@pytest.mark.parametrize(
    "call",
    [
        lambda: two_proportions_e([0, 1], [0.5, 1]),
        lambda: two_proportions_e([0, 2], [0, 1]),
        lambda: two_means_e([0], [1, 2]),
        lambda: two_means_e([0, 1], [1, float("nan")]),
        lambda: shares_e([1, 2], [0.5, 0.6]),
        lambda: always_valid_rate(1, 0),
    ],
)
def test_what_cannot_be_tested_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(DataError):
        call()


@pytest.mark.slow
def test_the_figures_of_the_documentation() -> None:
    """Type-I error with a look after every one of 2,000 people, 1,000 runs each; coverage; power."""
    lognormal: Draw = lambda rng, g: rng.lognormal(0, 1, g.size)  # noqa: E731
    figures = {}
    for share in (0.5, 0.1):
        for rate in (0.02, 0.3, 0.9):
            exact = lambda g, y, s=share: two_proportions_e(g, y, share=s)  # noqa: E731
            figures[f"proportions {rate} share {share}"] = rejections(
                exact, bernoulli(rate, rate), runs=1000, n=2000, share=share
            )
        figures[f"means lognormal share {share}"] = rejections(two_means_e, lognormal, runs=1000, n=2000, share=share)
        figures[f"means rare share {share}"] = rejections(
            two_means_e, bernoulli(0.02, 0.02), runs=1000, n=2000, share=share
        )
    wins = np.cumsum(np.random.default_rng(2).random((1000, 2000)) < 0.5, axis=1)
    figures["win/loss"] = float(np.mean([win_loss_e(k, np.arange(1, 2001) - k).p[-1] <= 0.05 for k in wins]))
    print(figures)
    # 5 % plus two standard errors of 1,000 runs
    assert max(figures.values()) <= 0.064
    assert rejections(two_proportions_e, bernoulli(0.4, 0.6), runs=1000, n=1000) >= 0.99
