from __future__ import annotations

import numpy as np

from tunesmith.checks.k_means import spherical_k_means


def test_directions_are_separated_and_numbered_by_size() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], [30, 60, 10])
    points = np.eye(3)[truth] + rng.normal(0, 0.05, (100, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    cluster = spherical_k_means(points, 3, seed=1)
    assert cluster.tolist() == np.array([1, 0, 2])[truth].tolist()


def test_fewer_directions_than_clusters() -> None:
    points = np.repeat(np.eye(2), 5, axis=0)
    assert set(spherical_k_means(points, 6, seed=0).tolist()) == {0, 1}
    assert spherical_k_means(np.zeros((4, 2)), 2, seed=0).shape == (4,)
