"""Tests that may be looked at after every observation: p-values that stay valid whenever one stops (rlhf_spec 6.7).

A fixed-n p-value under peeking is wrong in half of the cases. Both tests here bound the chance of ever rejecting a true
null hypothesis by alpha (Ville's inequality).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln

from tunesmith.core.errors import DataError


def mixture_sprt(differences: ArrayLike, *, sigma: float, tau: float) -> NDArray[np.float64]:
    """Return the always-valid p-value after each observation, shape (n,), of a mean of zero with known `sigma`.

    L_n = sqrt(s2 / (s2 + n t2)) exp(t2 S_n^2 / (2 s2 (s2 + n t2))), p_n = min(p_(n-1), 1 / L_n), with s2 = sigma^2 and
    effects mixed as N(0, t2 = tau^2) (Robbins 1970; Johari et al. 2022, arXiv 1512.04922).

    Raises:
        DataError: sigma or tau is not positive.
    """
    if sigma <= 0 or tau <= 0:
        raise DataError("sigma and tau must be positive")
    values = np.asarray(differences, dtype=np.float64)
    total, n = np.cumsum(values), np.arange(1, values.size + 1)
    s2, t2 = sigma**2, tau**2
    spread = s2 + n * t2
    log_ratio = 0.5 * np.log(s2 / spread) + t2 * total**2 / (2 * s2 * spread)
    return np.asarray(np.minimum.accumulate(np.minimum(1.0, np.exp(-log_ratio))))


def win_e_value(wins: int, losses: int, *, a: float = 1.0, b: float = 1.0) -> float:
    """Return the evidence against a win rate of one half: B(a + wins, b + losses) / B(a, b) * 2^n; ties are dropped.

    Reject at 1 / alpha or more, whenever one looks. With a = b = 1 every win rate is held equally possible beforehand.
    """
    n = wins + losses
    return math.exp(float(betaln(a + wins, b + losses) - betaln(a, b)) + n * math.log(2.0))


def win_p_values(outcomes: Sequence[bool], *, a: float = 1.0, b: float = 1.0) -> list[float]:
    """Return the always-valid p-value after each decided judgement (True = win): the smallest 1 / e so far."""
    wins = np.cumsum(np.asarray(outcomes, dtype=np.float64))
    n = np.arange(1, wins.size + 1)
    log_e = betaln(a + wins, b + n - wins) - betaln(a, b) + n * math.log(2.0)
    return [float(p) for p in np.minimum.accumulate(np.minimum(1.0, np.exp(-log_e)))]
