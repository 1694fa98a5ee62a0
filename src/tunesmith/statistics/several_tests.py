"""P-values of paired differences, and what becomes of them when several are looked at.

`holm` (in `rates.py`) controls the chance of a single false claim; Benjamini-Hochberg the share of false claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from tunesmith.core.errors import DataError
from tunesmith.statistics.rates import holm

Correction = Literal["holm", "bh"]
PERMUTATIONS = 20_000
EXACT_UP_TO = 14


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values in the order given (Benjamini and Hochberg 1995); controls the false discovery rate."""
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")[::-1]
    factors = len(values) / np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(values[order] * factors))
    return [float(p) for p in adjusted]


def corrected(p_values: Sequence[float], how: Correction) -> list[float]:
    """Return the adjusted p-values of one family of comparisons."""
    return holm(p_values) if how == "holm" else benjamini_hochberg(p_values)


def sign_flip_test(differences: ArrayLike, *, seed: int) -> float:
    """Return the two-sided p-value of a mean of zero: how often random signs give a mean as far from zero.

    One difference for each independent unit, shape (n,). All sign patterns are tried where there are few, else 20,000
    are drawn, and the observed one counts among them (Phipson and Smyth 2010), so that p is never zero.

    Raises:
        DataError: there are no differences.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise DataError("a test needs at least one difference")
    values = values[values != 0.0]  # their sign changes nothing
    if values.size == 0:
        return 1.0
    observed = abs(values.sum()) - 1e-12 * np.abs(values).sum()
    if values.size <= EXACT_UP_TO:
        patterns = (np.arange(2**values.size)[:, None] >> np.arange(values.size)) & 1
        return float(np.mean(np.abs((2.0 * patterns - 1.0) @ values) >= observed))
    generator = np.random.default_rng(seed)
    hits = 0
    for begin in range(0, PERMUTATIONS, 1000):
        n = min(1000, PERMUTATIONS - begin)
        signs = generator.integers(0, 2, size=(n, values.size)) * 2.0 - 1.0
        hits += int((np.abs(signs @ values) >= observed).sum())
    return (hits + 1) / (PERMUTATIONS + 1)
