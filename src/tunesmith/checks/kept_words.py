"""A fixed number of words of each row as 16-bit numbers, and how often each number occurs in the whole data set.

Measures that need global counts can be taken when all rows were read: 128 bytes a row hold its words. Of a longer text
the words are taken evenly from beginning to end. Words share 65,536 numbers, so a rare word may pass for a less rare
one; a common one stays common.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from tunesmith.checks.words import Bounds, words_of

NUMBERS = 1 << 16


class KeptWords(NamedTuple):
    """Row i keeps `words[bounds[i]:bounds[i + 1]]` of its `totals[i]` words.

    `seen` are the numbers that occur in these rows, `occurrences` and `rows_with` how often, and in how many rows
    (over all words of the rows, kept or not).
    """

    words: NDArray[np.uint16]
    bounds: Bounds
    totals: NDArray[np.int32]
    seen: NDArray[np.uint16]
    occurrences: NDArray[np.int64]
    rows_with: NDArray[np.int64]


def kept_words(texts: Sequence[str], most: int) -> KeptWords:
    """Return at most `most` words of each text and the counts of all its words."""
    words = words_of(texts)
    numbers = (words.hashes >> np.uint64(48)).astype(np.int64)
    counts = words.counts
    kept = np.minimum(counts, most)
    bounds = np.concatenate([[0], np.cumsum(kept)])
    place = np.arange(bounds[-1]) - np.repeat(bounds[:-1], kept)
    stride = np.repeat(counts / np.maximum(kept, 1), kept)
    chosen = np.repeat(words.bounds[:-1], kept) + ((place + 0.5) * stride).astype(np.int64)
    row = np.repeat(np.arange(len(texts)), counts)
    pairs = np.unique(row * NUMBERS + numbers)
    occurrences = np.bincount(numbers, minlength=NUMBERS)
    rows_with = np.bincount(pairs % NUMBERS, minlength=NUMBERS)
    seen = np.flatnonzero(occurrences)
    return KeptWords(
        numbers[chosen].astype(np.uint16),
        bounds,
        counts.astype(np.int32),
        seen.astype(np.uint16),
        occurrences[seen],
        rows_with[seen],
    )


class Counts(NamedTuple):
    """How often each number occurs, and in how many of `rows` rows; both (65536,)."""

    occurrences: NDArray[np.int64]
    rows_with: NDArray[np.int64]
    rows: int


def counts_of(parts: Sequence[KeptWords]) -> Counts:
    """Return the counts over all parts."""
    occurrences, rows_with = np.zeros(NUMBERS, dtype=np.int64), np.zeros(NUMBERS, dtype=np.int64)
    for part in parts:
        occurrences[part.seen] += part.occurrences
        rows_with[part.seen] += part.rows_with
    return Counts(occurrences, rows_with, sum(len(part.totals) for part in parts))


def surprisal(part: KeptWords, counts: Counts) -> NDArray[np.float32]:
    """Return each row's mean surprisal in bits under the data set's own word frequencies, NaN of a row without words.

    -log2((count - 1) / (N - 1)) of each kept word, at least as if it had occurred half a time elsewhere: a word's own
    occurrence does not make it less surprising.
    """
    total = max(int(counts.occurrences.sum()) - 1, 1)
    bits = -np.log2(np.maximum(counts.occurrences - 1, 0.5) / total)
    return _means(bits[part.words].astype(np.float32), part.bounds)


def vectors(part: KeptWords, counts: Counts) -> csr_array:
    """Return TF-IDF vectors (rows, 65536) of length 1 from the kept words; 0 of a row without words."""
    n = len(part.totals)
    row = np.repeat(np.arange(n), np.diff(part.bounds))
    pairs, times = np.unique(row * NUMBERS + part.words, return_counts=True)
    rows, columns = np.divmod(pairs, NUMBERS)
    idf = np.log((1.0 + counts.rows) / (1.0 + counts.rows_with))
    weights = ((1.0 + np.log(times)) * idf[columns]).astype(np.float32)
    squares = np.bincount(rows, weights=weights.astype(np.float64) ** 2, minlength=n)
    weights /= np.maximum(np.sqrt(squares), 1e-9)[rows].astype(np.float32)
    return csr_array((weights, (rows, columns)), shape=(n, NUMBERS))


def _means(values: NDArray[np.float32], bounds: Bounds) -> NDArray[np.float32]:
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    sizes = np.diff(bounds)
    total = sums[bounds[1:]] - sums[bounds[:-1]]
    return np.where(sizes > 0, total / np.maximum(sizes, 1), np.nan).astype(np.float32)
