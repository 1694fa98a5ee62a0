"""Where more optimisation of a proxy reward stops helping (Gao, Schulman, Hilton 2022, arXiv 2210.10760).

With d = sqrt(KL(policy || initial policy)), the gold score gained over the initial policy follows
best-of-n  R(d) = d (alpha - beta d)      peak d* = alpha / (2 beta),        R* = alpha^2 / (4 beta)
RL         R(d) = d (alpha - beta log d)  peak d* = exp(alpha / beta - 1),   R* = beta d*
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit
from scipy.special import xlogy

from tunesmith.core.errors import DataError

Method = Literal["best_of_n", "rl"]
Array = NDArray[np.float64]


class OveroptimisationPoint(NamedTuple):
    """One policy: KL in nats per completion, and mean scores as gains over the initial policy (which has 0 in all)."""

    kl: float
    proxy: float
    gold: float


class OveroptimisationFit(NamedTuple):
    """Coefficients, share of variance explained, and the peak; no peak (None) where the fitted curve never falls.

    `reached` is True where a policy was measured beyond the peak: only then was over-optimisation seen, not predicted.
    """

    method: Method
    alpha: float
    beta: float
    r_squared: float
    peak_kl: float | None
    peak_gold: float | None
    reached: bool


def gold_best_of_n(d: Array, alpha: float, beta: float) -> Array:
    """Return d (alpha - beta d), Gao et al. section 3.2; d is the square root of KL in nats."""
    return np.asarray(d * (alpha - beta * d))


def gold_rl(d: Array, alpha: float, beta: float) -> Array:
    """Return d (alpha - beta log d), Gao et al. section 3.2; 0 at d = 0, its limit."""
    return np.asarray(alpha * d - beta * xlogy(d, d))


FORMS: Mapping[Method, Callable[[Array, float, float], Array]] = {"best_of_n": gold_best_of_n, "rl": gold_rl}


def fit(points: Sequence[OveroptimisationPoint], method: Method) -> OveroptimisationFit:
    """Return the least-squares fit of the gold score. KL estimates below zero (sampling noise) are read as zero.

    Raises:
        DataError: fewer than three points with KL above zero; two coefficients need more than two of them.
    """
    d = np.sqrt(np.maximum(0.0, [point.kl for point in points]))
    gold = np.array([point.gold for point in points], dtype=np.float64)
    if np.count_nonzero(d) < 3:
        raise DataError("the over-optimisation curve needs at least three policies with KL above zero")
    (alpha, beta), _ = curve_fit(FORMS[method], d, gold, p0=(1.0, 0.1))
    residual = gold - FORMS[method](d, alpha, beta)
    spread = float(((gold - gold.mean()) ** 2).sum())
    r_squared = 1.0 - float((residual**2).sum()) / spread if spread > 0.0 else 0.0
    peak = peak_of(method, float(alpha), float(beta))
    reached = peak is not None and bool(d.max() ** 2 > peak.kl)
    return OveroptimisationFit(
        method,
        float(alpha),
        float(beta),
        r_squared,
        None if peak is None else peak.kl,
        None if peak is None else peak.gold,
        reached,
    )


class Peak(NamedTuple):
    """The KL in nats at which the gold score is highest, and that score."""

    kl: float
    gold: float


def peak_of(method: Method, alpha: float, beta: float) -> Peak | None:
    """Return the peak; None where beta <= 0 (the curve never falls) or where it only falls (best-of-n, alpha <= 0)."""
    if beta <= 0.0 or (method == "best_of_n" and alpha <= 0.0):
        return None
    if method == "best_of_n":
        d = alpha / (2.0 * beta)
        return Peak(d**2, alpha**2 / (4.0 * beta))
    exponent = alpha / beta - 1.0
    # Beyond e^20 nats the "peak" is a numerical artefact of a beta that is zero within noise.
    return Peak(math.exp(2.0 * exponent), beta * math.exp(exponent)) if exponent < 10.0 else None
