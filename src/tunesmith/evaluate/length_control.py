"""The win rate that two models would have at equal length (after Dubois et al. 2024, arXiv 2404.04475).

    P(first preferred) = sigma(theta + beta * tanh(d / sd(d)))        d = length of the first minus the second

fitted to the preferences in [0, 1]; sigma(theta) is the controlled win rate. Departure from the paper: no term for the
instruction's difficulty, which one comparison of two models does not identify.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from tunesmith.statistics.rates import CONFIDENCE, Rate

RESAMPLES, LEAST = 200, 10
PENALTY = 1e-3  # keeps a model that always wins at a finite theta

Floats = NDArray[np.float64]


def length_controlled(points: Sequence[float], differences: Sequence[float], *, seed: int) -> Rate | None:
    """Return the controlled win rate with the percentile interval of resampling prompts.

    None with fewer than 10 prompts, or where all length differences are equal and not zero: then length and model are
    one and the same.
    """
    wins, lengths = np.asarray(points, dtype=np.float64), np.asarray(differences, dtype=np.float64)
    if wins.size < LEAST or (lengths.std() == 0.0 and lengths[0] != 0.0):
        return None
    value = _controlled(wins, lengths)
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(RESAMPLES):
        chosen = generator.integers(wins.size, size=wins.size)
        drawn.append(_controlled(wins[chosen], lengths[chosen]))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Rate(value, min(value, float(low)), max(value, float(high)), wins.size)


def _controlled(wins: Floats, lengths: Floats) -> float:
    spread = float(lengths.std())
    longer = np.tanh(lengths / spread) if spread else np.zeros_like(lengths)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        margin = parameters[0] + parameters[1] * longer
        value = float(np.mean(np.logaddexp(0.0, margin) - wins * margin)) + PENALTY / 2 * float(parameters @ parameters)
        slope = (expit(margin) - wins) / wins.size
        return value, np.array([slope.sum(), slope @ longer]) + PENALTY * parameters

    theta = minimize(loss, np.zeros(2), jac=True, method="BFGS").x[0]
    return float(expit(theta))
