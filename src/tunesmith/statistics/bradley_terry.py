"""Bradley-Terry: one strength for each model from who was preferred to whom (Bradley and Terry 1952).

P(i preferred to j) = sigma(s_i - s_j). A tie counts as half a win for each. The estimate is unique exactly where every
model beat every other directly or through a chain; otherwise some strength is infinite, and that is an error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from tunesmith.core.errors import DataError
from tunesmith.statistics.rates import CONFIDENCE

ELO = 400.0 / math.log(10.0)
RESAMPLES = 500

Wins = NDArray[np.float64]


class Game(NamedTuple):
    """One judgement. `points` are the first model's: 1 win, .5 tie, 0 loss; `cluster` names its prompt."""

    first: str
    second: str
    points: float
    cluster: str


class Strength(NamedTuple):
    """A model's place on the ladder on the Elo scale, mean 0; `n` counts its judgements.

    The interval is of the strength relative to the mean of all models; None where resamples had no estimate.
    """

    model: str
    elo: float
    low: float | None
    high: float | None
    n: int

    def to_json(self) -> dict[str, float | int | None]:
        """Return the strength as a rate's object, without the model's name; no bounds where there are none."""
        return {"value": self.elo, "low": self.low, "high": self.high, "n": self.n}


def strengths(wins: Wins) -> Wins:
    """Return the maximum-likelihood strengths in logits, mean 0; `wins[i, j]` counts how often i was preferred to j.

    Raises:
        DataError: the models do not all hang together by wins in both directions.
    """
    n = len(wins)
    parts, _ = connected_components((wins > 0).astype(np.float64), directed=True, connection="strong")
    if n < 2 or parts > 1:
        raise DataError(
            "these judgements do not fix every strength",
            why="some models were never preferred to the others, directly or through a chain",
            remedy="judge more prompts, or leave those models out",
        )
    games = wins + wins.T

    def loss(s: Wins) -> tuple[float, Wins]:
        gap = s[:, None] - s[None, :]
        value = float((wins * np.logaddexp(0.0, -gap)).sum())
        # A little of the mean's square fixes the gauge without moving any difference.
        slope = -(wins - games * expit(gap)).sum(axis=1) + s.sum()
        return value + float(s.sum()) ** 2 / 2, slope

    found = minimize(loss, np.zeros(n), jac=True, method="BFGS", options={"gtol": 1e-9 * max(1.0, games.sum())})
    return np.asarray(found.x - found.x.mean())


def win_matrix(games: Sequence[Game], models: Sequence[str]) -> Wins:
    """Return how often each model was preferred to each, ties as half a win for both."""
    place = {model: i for i, model in enumerate(models)}
    wins = np.zeros((len(models), len(models)))
    for game in games:
        i, j = place[game.first], place[game.second]
        wins[i, j] += game.points
        wins[j, i] += 1.0 - game.points
    return wins


def ladder(games: Sequence[Game], *, seed: int, resamples: int = RESAMPLES) -> list[Strength]:
    """Return the models from the strongest down, with percentile intervals of resampling whole prompts.

    A resample in which some strength is infinite has no estimate; where more than one in 20 has none, there is no
    interval.

    Raises:
        DataError: the judgements do not fix every strength.
    """
    models = sorted({game.first for game in games} | {game.second for game in games})
    by_cluster: dict[str, list[Game]] = {}
    for game in games:
        by_cluster.setdefault(game.cluster, []).append(game)
    matrices = np.array([win_matrix(some, models) for some in by_cluster.values()])
    found = strengths(matrices.sum(axis=0)) * ELO
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        chosen = generator.integers(len(matrices), size=len(matrices))
        try:
            drawn.append(strengths(matrices[chosen].sum(axis=0)) * ELO)
        except DataError:
            continue
    bounds = _bounds(np.array(drawn)) if len(drawn) >= 0.95 * resamples else [(None, None)] * len(models)
    counts: Mapping[str, int] = {m: sum(m in (g.first, g.second) for g in games) for m in models}
    rows = [
        Strength(model, float(elo), low, high, counts[model])
        for model, elo, (low, high) in zip(models, found, bounds, strict=True)
    ]
    return sorted(rows, key=lambda row: -row.elo)


def _bounds(drawn: Wins) -> Sequence[tuple[float | None, float | None]]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return [(float(a), float(b)) for a, b in zip(low, high, strict=True)]
