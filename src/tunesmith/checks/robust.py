"""One rule for what is far from the rest: the modified z-score (Iglewicz and Hoaglin 1993).

z = (x - median) / (1.4826 MAD), with MAD the median absolute deviation; unlike mean and standard deviation, up to half
of the values can be wild without moving it. Where more than half of the values are equal, MAD is 0, and where they are
nearly equal every small difference would be an outlier; so the scale is never below `least_scale`.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tunesmith.core.config import Strict

Values = NDArray[np.floating[Any]]


class OutlierRule(Strict):
    """How far from the median is too far."""

    cut: float = Field(default=5.0, gt=0, description="modified z-score from which on a value is an outlier")
    least_scale: float = Field(default=0.0, ge=0, description="smallest scale, in the unit of the values")
    side: Literal["both", "high", "low"] = Field(default="both", description="which side is looked at")


class Judged(NamedTuple):
    """`rows` are the outliers, `z` their scores; `low` and `high` are the limits, None on a side that is not judged."""

    rows: NDArray[np.int64]
    z: NDArray[np.float64]
    median: float
    low: float | None
    high: float | None


def outlying(values: Values, rule: OutlierRule) -> Judged | None:
    """Return the outliers of the values (rows,); NaN means that a row has no value. None: fewer than 20 values."""
    known = values[~np.isnan(values)].astype(np.float64)
    if len(known) < 20:
        return None
    median = float(np.median(known))
    scale = max(1.4826 * float(np.median(np.abs(known - median))), rule.least_scale)
    if scale == 0.0:
        # Iglewicz and Hoaglin's stand-in where MAD is 0.
        scale = 1.2533 * float(np.mean(np.abs(known - median))) or 1.0
    z = (values.astype(np.float64) - median) / scale
    with np.errstate(invalid="ignore"):
        high = (z > rule.cut) & (rule.side != "low")
        low = (z < -rule.cut) & (rule.side != "high")
    rows = np.flatnonzero(high | low)
    return Judged(
        rows,
        z[rows],
        median,
        None if rule.side == "high" else median - rule.cut * scale,
        None if rule.side == "low" else median + rule.cut * scale,
    )


def histogram(values: Values, bins: int = 40) -> dict[str, list[float]]:
    """Return {"edges", "counts"} of the values that are known, for a plot."""
    known = values[~np.isnan(values)].astype(np.float64)
    counts, edges = np.histogram(known, bins=bins) if len(known) else (np.zeros(0), np.zeros(0))
    return {"edges": edges.tolist(), "counts": counts.tolist()}
