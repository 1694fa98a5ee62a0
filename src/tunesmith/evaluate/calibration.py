"""Whether a reward model's margins mean what they say: sigma(margin) against how often the preferred one was chosen.

Under Bradley-Terry, P(first preferred) = sigma(score(first) - score(second)). Which completion is called first is
arbitrary, so pairs are read from the side that the model prefers: confidence sigma(|delta|) in [1/2, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from tunesmith.core.errors import DataError
from tunesmith.evaluate.reward_accuracy import Margin
from tunesmith.statistics.rates import Rate, clustered_rate


class ReliabilityBin(NamedTuple):
    """The pairs whose confidence lies in [low, high): their mean confidence, and how often the labeler agreed."""

    low: float
    high: float
    predicted: float
    observed: Rate
    pairs: int


class Calibration(NamedTuple):
    """Expected calibration error (Guo et al. 2017, arXiv 1706.04599, eq. 3) with the table it comes from.

    `left_out` counts pairs whose margin was not a number: they have no confidence.
    """

    error: float
    bins: tuple[ReliabilityBin, ...]
    left_out: int


def calibration(pairs: Sequence[Margin], *, seed: int, bins: int = 10) -> Calibration:
    """Return the pair-weighted mean of |observed - predicted| over equal-width bins of confidence in [1/2, 1].

    A margin is score(chosen) - score(rejected): the model's own preference was right where it is positive, and a margin
    of zero counts as half right at confidence one half. Intervals of `observed` are over prompts. No empty bins.

    Raises:
        DataError: no pair has a finite margin.
    """
    finite = [pair for pair in pairs if np.isfinite(pair.delta)]
    if not finite:
        raise DataError("no pair of completions has a finite margin", why=f"{len(pairs)} pairs given")
    delta = np.array([pair.delta for pair in finite])
    confidence = expit(np.abs(delta))
    right = np.where(delta == 0.0, 0.5, delta > 0.0)
    edges = np.linspace(0.5, 1.0, bins + 1)
    which = np.minimum(np.digitize(confidence, edges) - 1, bins - 1)
    table: list[ReliabilityBin] = []
    error = 0.0
    for index in np.unique(which):
        inside = np.flatnonzero(which == index)
        by_prompt: dict[str, list[float]] = {}
        for i in inside:
            by_prompt.setdefault(finite[i].prompt, []).append(float(right[i]))
        predicted = float(confidence[inside].mean())
        observed = clustered_rate(list(by_prompt.values()), seed=seed)
        error += abs(observed.value - predicted) * inside.size / delta.size
        table.append(ReliabilityBin(float(edges[index]), float(edges[index + 1]), predicted, observed, inside.size))
    return Calibration(float(error), tuple(table), len(pairs) - len(finite))
