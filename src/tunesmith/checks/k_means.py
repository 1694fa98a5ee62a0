"""Spherical k-means: cluster directions by cosine similarity (Dhillon and Modha 2001)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def spherical_k_means(points: Floats, k: int, *, seed: int, rounds: int = 30) -> NDArray[np.int64]:
    """Return the cluster of each point, shape (n,), numbered by falling size; `points` (n, d) have length 1 or 0.

    Starts are drawn as in k-means++ (Arthur and Vassilvitskii 2007), far from one another. Fewer than k clusters come
    back where there are fewer different directions.
    """
    centres = _starts(points, k, np.random.default_rng(seed))
    assigned = np.full(len(points), -1)
    for _ in range(rounds):
        nearest = np.asarray(np.argmax(np.round(points @ centres.T, 9), axis=1))
        if np.array_equal(nearest, assigned):
            break
        assigned = nearest
        sums = np.zeros_like(centres)
        np.add.at(sums, assigned, points)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    sizes = np.bincount(assigned, minlength=len(centres))
    rank = np.empty(len(centres), dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(centres))
    numbered: NDArray[np.int64] = rank[assigned]
    return numbered


def _starts(points: Floats, k: int, generator: np.random.Generator) -> Floats:
    chosen = [int(generator.integers(len(points)))]
    distance = 1.0 - points @ points[chosen[0]]
    for _ in range(k - 1):
        weights = np.maximum(np.round(distance, 9), 0.0)
        if weights.sum() == 0.0:
            break
        chosen.append(int(generator.choice(len(points), p=weights / weights.sum())))
        distance = np.minimum(distance, 1.0 - points @ points[chosen[-1]])
    return points[chosen]
