"""The mean of a few independent measurements, such as one per seed, with Student's interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tunesmith.core.errors import DataError
from tunesmith.statistics.rates import CONFIDENCE, Rate


def mean_of_few(values: Sequence[float]) -> Rate:
    """Return the mean with its two-sided 95 % interval by Student's t with n - 1 degrees of freedom.

    It assumes roughly normal values; with three seeds it is 4.3 standard errors wide on each side, and that is honest.

    Raises:
        DataError: fewer than two values, or one that is not finite.
    """
    from scipy.special import stdtrit  # noqa: PLC0415 - the labelling desk starts without it

    n = len(values)
    if n < 2 or not all(math.isfinite(value) for value in values):
        raise DataError("an interval needs at least two finite values", why=f"got {list(values)}")
    mean = float(np.mean(values))
    reach = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2) * np.std(values, ddof=1) / math.sqrt(n))
    return Rate(mean, mean - reach, mean + reach, n)
