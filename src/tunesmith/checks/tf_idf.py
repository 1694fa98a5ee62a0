"""TF-IDF vectors of a sample of texts (Salton and Buckley 1988) and their most typical words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr
from scipy.sparse import csr_array

from tunesmith.checks.words import Words, words_of

Floats = NDArray[np.float64]
_ROUNDS = 8


class Vectors(NamedTuple):
    """`matrix` (texts, terms) has rows of length 1, or 0 for a text without a shared word; `terms` are the words."""

    matrix: csr_array
    terms: list[str]


def vectors(texts: Sequence[str], *, min_texts: int = 2) -> Vectors:
    """Return the vectors over words that occur in at least `min_texts` texts.

    Weights are (1 + ln count) * ln((1 + texts) / (1 + texts with the word)), so a word of every text weighs nothing.
    """
    words = words_of(texts)
    n = len(texts)
    _, spelled, term = np.unique(words.hashes, return_index=True, return_inverse=True)
    text = np.repeat(np.arange(n), words.counts)
    pairs, counts = np.unique(text * max(len(spelled), 1) + term, return_counts=True)
    rows, columns = np.divmod(pairs, max(len(spelled), 1))
    texts_with = np.bincount(columns, minlength=len(spelled))
    used = np.flatnonzero(texts_with >= min_texts)
    renamed = np.full(len(spelled), -1)
    renamed[used] = np.arange(len(used))
    keep = renamed[columns] >= 0
    weights = (1.0 + np.log(counts[keep])) * np.log((1.0 + n) / (1.0 + texts_with[columns[keep]]))
    matrix = csr_array((weights, (rows[keep], renamed[columns[keep]])), shape=(n, len(used)))
    return Vectors(_normalised(matrix), _spelling(words, spelled[used]))


def main_directions(matrix: csr_array, size: int, *, seed: int) -> Floats:
    """Return the rows in their `size` main directions, shape (rows, size), of length 1 (0 for a row without a word).

    This is latent semantic analysis (Deerwester et al. 1990) by subspace iteration from a drawn start (Halko et al.
    2011, arXiv 0909.4061, algorithm 4.4). ARPACK is not used: where singular values are equal, it turns the last bit of
    a rounding into other directions, and two runs over the same rows would say different things.
    """
    size = min(size, min(matrix.shape) - 1)
    if size < 1 or matrix.count_nonzero() == 0:
        return np.zeros((matrix.shape[0], 1))
    basis = np.random.default_rng(seed).normal(size=(matrix.shape[1], size))
    for _ in range(_ROUNDS):
        basis = qr(matrix.T @ (matrix @ basis), mode="economic")[0]
    points = np.asarray(matrix @ basis)
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    # Rounded, so that the noise of the last bits does not decide between equals later on.
    return np.asarray(np.where(lengths > 1e-9, points / np.maximum(lengths, 1e-9), 0.0), dtype=np.float64).round(5)


def _normalised(matrix: csr_array) -> csr_array:
    lengths = np.sqrt(np.asarray((matrix * matrix).sum(axis=1)).ravel())
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return csr_array(
        (matrix.data * np.repeat(scale, np.diff(matrix.indptr)), matrix.indices, matrix.indptr), matrix.shape
    )


def _spelling(words: Words, at: NDArray[np.int64]) -> list[str]:
    return [words.spell(word) for word in at.tolist()]
