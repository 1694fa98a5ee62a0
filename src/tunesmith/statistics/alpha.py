"""Krippendorff's alpha: agreement beyond chance, for any number of labelers and with missing labels.

1 is perfect agreement, 0 is what chance gives, below 0 is systematic disagreement (Krippendorff 2004, chapter 11). The
coefficient itself is the `krippendorff` package's; here it gets its interval, from resampling whole prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import krippendorff
import numpy as np
from numpy.typing import NDArray

from tunesmith.statistics.rates import CONFIDENCE, Rate

Level = Literal["nominal", "ordinal", "interval"]
Unit = Sequence[float]
RESAMPLES = 200


def krippendorff_alpha(prompts: Sequence[Sequence[Unit]], *, level: Level, seed: int) -> Rate | None:
    """Return alpha over units, each a list of the values that labelers gave it; units come grouped by prompt.

    None where it is undefined: no unit has two values, or all values are equal. `n` counts prompts with such a unit.
    """
    paired = [[unit for unit in units if len(unit) > 1] for units in prompts]
    paired = [units for units in paired if units]
    domain = sorted({value for units in paired for unit in units for value in unit})
    if len(domain) < 2:
        return None
    counts = [_value_counts(units, domain) for units in paired]
    value = _alpha(counts, domain, level)
    if len(counts) < 2:
        return Rate(value, -1.0, 1.0, 1)
    generator = np.random.default_rng(seed)
    drawn = [
        _alpha([counts[i] for i in generator.integers(len(counts), size=len(counts))], domain, level)
        for _ in range(RESAMPLES)
    ]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Rate(value, min(value, float(low)), max(value, float(high)), len(counts))


def _value_counts(units: Sequence[Unit], domain: Sequence[float]) -> NDArray[np.int64]:
    return np.array([[list(unit).count(value) for value in domain] for unit in units], dtype=np.int64)


def _alpha(counts: Sequence[NDArray[np.int64]], domain: Sequence[float], level: Level) -> float:
    table = np.concatenate(counts)
    if np.count_nonzero(table.sum(axis=0)) < 2:  # a resample in which only one value occurs says nothing
        return float("nan")
    return float(krippendorff.alpha(value_counts=table, value_domain=list(domain), level_of_measurement=level))
