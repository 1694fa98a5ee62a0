"""Rates with intervals: nothing is reported without its n and its 95 % interval.

Proportions use Wilson's score interval (Wilson 1927). Several values of one prompt (several labelers, several pairs of
one ranking) are correlated, so those are resampled by prompt: a naive interval over the values covers far too rarely.
Every interval is two-sided at 95 %.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunesmith.core.errors import DataError

CONFIDENCE = 0.95
RESAMPLES = 2000

Values = NDArray[np.float64]
Statistic = Callable[[Values], float]


class Rate(NamedTuple):
    """A value with its 95 % interval; `n` counts independent units: prompts where values of a prompt are correlated."""

    value: float
    low: float
    high: float
    n: int

    def to_json(self) -> dict[str, float | int]:
        """Return the object of the `results.json` contract."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


def wilson(successes: int, n: int) -> Rate:
    """Return the proportion with Wilson's score interval; 0/n and n/n keep an interval of positive width in [0, 1].

    Raises:
        DataError: n is zero (a rate of nothing is not zero), or successes is not in 0..n.
    """
    if n <= 0:
        raise DataError("a rate needs at least one observation", why=f"n is {n}", remedy="leave the rate out instead")
    if not 0 <= successes <= n:
        raise DataError(f"{successes} successes out of {n}")
    from scipy.stats import binomtest  # noqa: PLC0415 - a second to import, and many programs show no interval

    low, high = binomtest(successes, n).proportion_ci(CONFIDENCE, method="wilson")
    return Rate(successes / n, float(low), float(high), n)


def cluster_bootstrap(
    values_by_cluster: Sequence[Sequence[float]],
    *,
    seed: int,
    statistic: Statistic | None = None,
    resamples: int = RESAMPLES,
) -> Rate:
    """Return a statistic of the pooled values with the percentile interval of resampling whole clusters.

    `statistic` maps the pooled values (shape (N,)) to a number; None means their mean. `n` is the number of clusters.

    Raises:
        DataError: fewer than two clusters, or a cluster without values.
    """
    from scipy.stats import bootstrap  # noqa: PLC0415 - see wilson

    clusters = [np.asarray(values, dtype=np.float64) for values in values_by_cluster]
    if len(clusters) < 2:
        raise DataError("a bootstrap interval needs at least two prompts", why=f"got {len(clusters)}")
    if any(cluster.size == 0 for cluster in clusters):
        raise DataError("a prompt without values cannot be resampled", remedy="leave it out and count it")
    generator = np.random.default_rng(seed)
    options: dict[str, Any] = {"n_resamples": resamples, "method": "percentile", "confidence_level": CONFIDENCE}
    if statistic is None:
        # The mean of pooled values needs only each cluster's sum and count, which vectorises over resamples.
        sums = np.array([cluster.sum() for cluster in clusters])
        counts = np.array([cluster.size for cluster in clusters], dtype=np.float64)
        value = float(sums.sum() / counts.sum())
        result = bootstrap((sums, counts), _ratio, paired=True, vectorized=True, rng=generator, **options)
    else:
        value = statistic(np.concatenate(clusters))
        draw = functools.partial(_pooled, clusters, statistic)
        result = bootstrap((np.arange(len(clusters)),), draw, vectorized=False, rng=generator, **options)
    interval = result.confidence_interval
    return Rate(value, float(interval.low), float(interval.high), len(clusters))


def _ratio(sums: Values, counts: Values, axis: int = -1) -> Values:
    return np.asarray(sums.sum(axis=axis) / counts.sum(axis=axis))


def _pooled(clusters: Sequence[Values], statistic: Statistic, chosen: NDArray[np.int64]) -> float:
    return statistic(np.concatenate([clusters[i] for i in chosen]))


def clustered_rate(values_by_cluster: Sequence[Sequence[float]], *, seed: int) -> Rate:
    """Return the mean of values in [0, 1] with an interval that is right for their structure; `n` counts clusters.

    One 0 or 1 per cluster: Wilson. Otherwise resampling of clusters. Where every cluster has the same mean, resampling
    sees no variance and would claim a zero-width interval; the Wilson interval of that many prompts stands in.

    Raises:
        DataError: no cluster, an empty cluster, or a value outside [0, 1].
    """
    clusters = [list(values) for values in values_by_cluster]
    if not clusters or not all(clusters):
        raise DataError("a rate needs at least one observation per prompt")
    pooled = list(itertools.chain.from_iterable(clusters))
    if not all(0.0 <= value <= 1.0 for value in pooled):
        raise DataError("the values of a rate must lie in [0, 1]")
    if len(pooled) == len(clusters) and all(value in (0.0, 1.0) for value in pooled):
        return wilson(round(sum(pooled)), len(clusters))
    means = [sum(values) / len(values) for values in clusters]
    if max(means) - min(means) < 1e-12:
        below, above = (wilson(rounded(means[0] * len(means)), len(means)) for rounded in (math.floor, math.ceil))
        return Rate(means[0], below.low, above.high, len(means))
    return cluster_bootstrap(clusters, seed=seed)


def paired_difference(first: ArrayLike, second: ArrayLike, *, seed: int) -> Rate:
    """Return mean(first - second) over prompts with its interval; both have shape (n,), one value in [0, 1] per prompt.

    Pairing removes the variance of prompt difficulty. Where no prompt differs, the interval is that of the largest
    share of differing prompts which n observations do not rule out.

    Raises:
        DataError: shapes differ, or there are no prompts.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or a.size == 0:
        raise DataError("paired values must be two equally long lists", why=f"shapes {a.shape} and {b.shape}")
    differences = a - b
    if np.ptp(differences) == 0.0:
        value, margin = float(differences[0]), wilson(0, a.size).high
        return Rate(value, max(-1.0, value - margin), min(1.0, value + margin), a.size)
    return cluster_bootstrap([[float(d)] for d in differences], seed=seed)


def sign_test(wins: int, losses: int) -> float:
    """Return the exact two-sided p-value of wins against losses; ties are left out; 1 where nothing was decided."""
    from scipy.stats import binomtest  # noqa: PLC0415 - see wilson

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's step-down adjusted p-values in the order given (Holm 1979); controls the family-wise error."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    stepped = np.minimum(1.0, np.maximum.accumulate(np.asarray(p_values, dtype=np.float64)[order] * factors))
    adjusted = np.empty(len(p_values))
    adjusted[order] = stepped
    return [float(p) for p in adjusted]
