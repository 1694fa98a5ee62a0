"""Tests and intervals that stay valid however often one looks: e-values, and confidence sequences.

An e-value is what a fair bet against the hypothesis "no difference" has made of 1; by Ville's inequality it ever
reaches 1/alpha with probability at most alpha, so one may look after every observation and stop at any time. The
p-value at a look is 1 / (the largest e-value so far).

* `win_loss_e`: wins against losses, by the beta-binomial mixture (Robbins 1970); exact.
* `two_proportions_e`: yes/no outcomes of two arms, by Turner, Ly & Grünwald 2024 (arXiv 2106.02693) for single
  observations, with the running rates of both arms as the bet; exact where arms are drawn at random.
* `two_means_e`: any numbers, one per person, by the normal mixture (mSPRT; Johari et al. 2022, arXiv 1512.04922) with
  running variances plugged in. That is asymptotic (Waudby-Smith et al. 2024, arXiv 2103.06476), so no bet is made
  before each arm has `BURN_IN` observations.
* `mean_difference`: the confidence sequence that belongs to it.
* `shares_e`: are the arms as large as they should be, by Lindon & Malek 2022 (arXiv 2011.03567); exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from tunesmith.core.errors import DataError
from tunesmith.statistics.rates import CONFIDENCE, Rate

ALPHA = 1 - CONFIDENCE
BURN_IN = 25
# The sample size (both arms together) at which the normal mixture is sharpest; others are a little wider.
SHARPEST_AT = 1000
# Weight of the prior in `shares_e`, in observations: deviations of a few percent are what is looked for.
SHARE_PRIOR = 200.0
# A running rate begins at one half with the weight of one observation (Krichevsky & Trofimov 1981).
_RATE_PRIOR = 0.5

Values = NDArray[np.float64]


class Series(NamedTuple):
    """The natural logarithm of the e-value after each observation, and the always-valid p-value; both (n,)."""

    log_e: Values
    p: Values


def _series(log_e: Values) -> Series:
    best = np.maximum.accumulate(np.maximum(log_e, 0.0)) if log_e.size else log_e
    return Series(log_e, np.exp(-best))


def win_loss_e(wins: ArrayLike, losses: ArrayLike) -> Series:
    """Return the evidence against "each wins half of the decided cases", from running counts, each (n,); a = b = 1.

    Ties are left out before counting (rlhf_spec 6.7: 60/100 -> e = .91305, 70/100 -> 427.31).
    """
    k, m = np.atleast_1d(np.asarray(wins, float)), np.atleast_1d(np.asarray(losses, float))
    return _series(special.betaln(1 + k, 1 + m) + (k + m) * math.log(2))


def two_proportions_e(arms: ArrayLike, outcomes: ArrayLike, *, share: float = 0.5) -> Series:
    """Return the evidence that two arms have different rates, after each observation in order; both inputs (n,).

    `arms` is 0 or 1, `outcomes` 0 or 1 (one per person), `share` the probability of arm 1. Each observation (g, y)
    multiplies the e-value by q_g(y) / sum_h share_h q_h(y), where q_h are the rates seen before it: with equal rates
    and arms drawn at random the expectation of that is 1.

    Raises:
        DataError: the inputs differ in length, or hold other values.
    """
    g, y = _paired(arms, outcomes)
    if not np.isin(y, (0.0, 1.0)).all():
        raise DataError("a proportion needs outcomes that are 0 or 1", remedy="use two_means_e")
    if not 0.0 < share < 1.0:
        raise DataError(f"a share must lie between 0 and 1, not {share}")
    rates = []
    for arm in (0, 1):
        mine = g == arm
        seen = np.cumsum(mine) - mine
        yes = np.cumsum(y * mine) - y * mine
        rates.append((yes + _RATE_PRIOR) / (seen + 2 * _RATE_PRIOR))
    both = (1 - share) * rates[0] + share * rates[1]
    own = np.where(g == 1, rates[1], rates[0])
    return _series(np.cumsum(np.where(y == 1, np.log(own / both), np.log((1 - own) / (1 - both)))))


def two_means_e(arms: ArrayLike, outcomes: ArrayLike) -> Series:
    """Return the evidence that two arms have different means, after each observation in order; both inputs (n,).

    Raises:
        DataError: the inputs differ in length, or hold other values.
    """
    g, y = _paired(arms, outcomes)
    difference, variance, usable = _running_difference(g, y)
    n = np.arange(1, g.size + 1, dtype=np.float64)
    weight = n * _mixture() / (1 + n * _mixture())
    with np.errstate(divide="ignore", invalid="ignore"):
        z_squared = np.where(usable & (variance > 0), difference**2 / variance, 0.0)
    log_e = 0.5 * np.log1p(-weight) + 0.5 * weight * z_squared
    return _series(np.where(usable, log_e, 0.0))


def mean_difference(arms: ArrayLike, outcomes: ArrayLike, *, alpha: float = ALPHA) -> Rate | None:
    """Return mean(arm 1) - mean(arm 0) with the interval that holds at every look at once; None before the burn-in."""
    g, y = _paired(arms, outcomes)
    if min(int((g == 0).sum()), int((g == 1).sum())) < BURN_IN:
        return None
    differences, variances, _ = _running_difference(g, y)
    value, variance, n = float(differences[-1]), float(variances[-1]), float(g.size)
    weight = n * _mixture() / (1 + n * _mixture())
    margin = math.sqrt(variance * 2 * (math.log(1 / alpha) - 0.5 * math.log1p(-weight)) / weight)
    return Rate(value, value - margin, value + margin, int(n))


def always_valid_rate(successes: int, n: int, *, alpha: float = ALPHA) -> Rate:
    """Return a proportion with the interval that holds at every look at once: the beta-binomial test, inverted.

    Raises:
        DataError: n is zero, or successes is not in 0..n.
    """
    if n <= 0 or not 0 <= successes <= n:
        raise DataError(f"{successes} successes out of {n}")
    threshold = special.betaln(1 + successes, 1 + n - successes) + math.log(alpha)

    def excess(p: float) -> float:
        return float(special.xlogy(successes, p) + special.xlog1py(n - successes, -p) - threshold)

    value = successes / n
    low = 0.0 if successes == 0 else float(optimize.brentq(excess, 1e-300, value))
    high = 1.0 if successes == n else float(optimize.brentq(excess, value, 1 - 1e-16))
    return Rate(value, low, high, n)


def shares_e(counts: ArrayLike, shares: Sequence[float]) -> Series:
    """Return the evidence that people were not assigned by `shares`; `counts` are running counts, (n, arms) or (arms,).

    Raises:
        DataError: the shares are not positive or do not sum to one.
    """
    weights = np.asarray(shares, dtype=np.float64)
    if (weights <= 0).any() or abs(float(weights.sum()) - 1) > 1e-9:
        raise DataError("shares must be positive and sum to 1", why=f"got {list(shares)}")
    seen = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    prior = SHARE_PRIOR * weights
    total = seen.sum(axis=1)
    mixture = special.gammaln(SHARE_PRIOR) - special.gammaln(SHARE_PRIOR + total)
    mixture = mixture + (special.gammaln(prior + seen) - special.gammaln(prior)).sum(axis=1)
    return _series(mixture - special.xlogy(seen, weights).sum(axis=1))


def _mixture() -> float:
    """Return rho squared, which makes the boundary tightest at `SHARPEST_AT` (Waudby-Smith et al. 2024, eq. 24)."""
    level = -2 * math.log(ALPHA)
    return (level + math.log(level) + 1) / SHARPEST_AT


def _paired(arms: ArrayLike, outcomes: ArrayLike) -> tuple[NDArray[np.int64], Values]:
    g, y = np.asarray(arms), np.asarray(outcomes, dtype=np.float64)
    if g.shape != y.shape or g.ndim != 1:
        raise DataError("arms and outcomes must be two equally long lists", why=f"shapes {g.shape} and {y.shape}")
    if not np.isin(g, (0, 1)).all() or not np.isfinite(y).all():
        raise DataError("arms must be 0 or 1 and outcomes finite numbers")
    return g.astype(np.int64), y


def _running_difference(g: NDArray[np.int64], y: Values) -> tuple[Values, Values, NDArray[np.bool_]]:
    """Return after each observation: the difference of means, its variance, and whether the burn-in is over.

    The variance is the larger of the arms' own and the pooled one: a small arm has often not yet met the rare large
    values, and its own variance alone makes a third of all null runs "significant" where an event is rare.
    """
    centred = y - (y[0] if y.size else 0.0)  # sums of squares of large numbers would lose their digits
    (n0, mean0, spread0), (n1, mean1, spread1), (n, _, spread) = (
        _running(centred, mine) for mine in (g == 0, g == 1, np.ones(g.size, dtype=bool))
    )
    own = spread0 / np.maximum(n0 - 1, 1) + spread1 / np.maximum(n1 - 1, 1)
    pooled = spread * n / np.maximum(n - 1, 1) * (1 / np.maximum(n0, 1) + 1 / np.maximum(n1, 1))
    return mean1 - mean0, np.maximum(own, pooled), (n0 >= BURN_IN) & (n1 >= BURN_IN)


def _running(values: Values, mine: NDArray[np.bool_]) -> tuple[Values, Values, Values]:
    n = np.cumsum(mine).astype(np.float64)
    safe = np.maximum(n, 1.0)
    mean = np.cumsum(values * mine) / safe
    return n, mean, np.maximum(np.cumsum(values**2 * mine) / safe - mean**2, 0.0)
