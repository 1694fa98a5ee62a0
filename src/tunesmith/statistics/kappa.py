"""Cohen's and Fleiss' kappa: agreement of two raters, or of a fixed number of raters, beyond chance.

For comparing with published figures, from Python. The tool itself reports Krippendorff's alpha (`alpha`), with its
interval: it takes any number of people an item, and with two or more each it is Fleiss' kappa but for small samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tunesmith.core.errors import DataError


def cohen_kappa(table: Sequence[Sequence[int]]) -> float:
    """Return (po - pe) / (1 - pe) of a square table: rows are the first rater's classes, columns the second's.

    NaN where both always gave the same class: chance alone agrees perfectly (Cohen 1960).

    Raises:
        DataError: the table is not square, or empty.
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.sum():
        raise DataError("kappa needs a square table with at least one item")
    shares = counts / counts.sum()
    return _beyond_chance(float(np.trace(shares)), float(shares.sum(axis=1) @ shares.sum(axis=0)))


def fleiss_kappa(table: Sequence[Sequence[int]]) -> float:
    """Return Fleiss' kappa (1971) of a table of items by classes: how many raters gave the item the class.

    With two raters it equals Scott's pi and not Cohen's kappa. NaN where only one class was ever given.

    Raises:
        DataError: there are no items, or they do not all have the same number of raters, at least two.
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or not len(counts) or len(set(counts.sum(axis=1))) != 1 or counts[0].sum() < 2:
        raise DataError("Fleiss' kappa needs items with the same number of raters, at least two")
    raters = counts[0].sum()
    agreed = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))
    shares = counts.sum(axis=0) / counts.sum()
    return _beyond_chance(float(agreed.mean()), float(shares @ shares))


def _beyond_chance(observed: float, expected: float) -> float:
    return math.nan if expected >= 1.0 else (observed - expected) / (1.0 - expected)
