"""Find rows that share most of their words: MinHash and LSH find candidates, Jaccard similarity decides.

Each row is the set of its runs of `run_words` words. MinHash (Broder 1997) gives two rows the same smallest permuted
hash with probability J, their Jaccard similarity; rows that agree on all hashes of one of `bands` bands become
candidates (Lee et al. 2021, arXiv 2107.06499, section 4.2, use the same on documents), with probability
1 - (1 - J^band_hashes)^bands: 0.99 at J = 0.7 and 0.9999 at J = 0.8 with the defaults. A candidate pair counts only if
the Jaccard similarity of the kept sets reaches `threshold`. So a chance agreement is never reported, and what LSH
misses is known from the formula.

A chunk's permutations run as 32-bit vector operations over all runs of all rows at once (docs/decisions/0007).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tunesmith.checks.words import Bounds, Hashes, Runs, mixed, runs_of, words_of
from tunesmith.core.config import Strict

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_PAIRS_AT_ONCE = 1 << 17


class NearSettings(Strict):
    """When two texts count as the same, and what finding them may cost."""

    run_words: int = Field(default=3, ge=1, description="words in one run (shingle)")
    threshold: float = Field(default=0.7, gt=0, le=1, description="Jaccard similarity of the runs from which on")
    bands: int = Field(default=25, ge=1, description="LSH bands; more find more")
    band_hashes: int = Field(default=5, ge=1, description="hashes a band; more leave fewer candidates to verify")
    kept_runs: int = Field(default=128, ge=16, description="runs kept of a row to verify; of a longer row a sample")
    min_words: int = Field(default=5, ge=1, description="shorter texts are compared for equality only")
    neighbours: int = Field(default=16, ge=1, description="rows of one bucket that a row is compared with, each way")
    seed: int = Field(default=0, description="of the permutations")


class Sketch(NamedTuple):
    """What is kept of N rows. A row without runs (too short) has no band.

    `bands` (bands, N) are band hashes; row i keeps the sorted runs `kept[bounds[i]:bounds[i + 1]]` (32-bit hashes),
    all of them unless `cut[i]`, where they are the smallest ones.
    """

    bands: NDArray[np.uint32]
    kept: NDArray[np.uint32]
    bounds: Bounds
    cut: NDArray[np.bool_]


class Match(NamedTuple):
    """Two rows, `first` < `second`, and their Jaccard similarity (estimated where a row was cut)."""

    first: int
    second: int
    jaccard: float


class Clusters(NamedTuple):
    """What was joined.

    `first_of` (N,) is the first row of each row's cluster, itself where it stands alone. `match_of` gives the most
    similar partner that a row was joined through, for rows that are not alone. `verified` counts compared pairs,
    `crowded` the rows of buckets so large that not every pair was compared.
    """

    first_of: Bounds
    match_of: dict[int, Match]
    verified: int
    crowded: int


def sketch_of(texts: Sequence[str], settings: NearSettings) -> Sketch:
    """Return the sketches of the texts; a text's sketch does not depend on the others."""
    words = words_of(texts)
    runs = runs_of(words, settings.run_words)
    long_enough = words.counts >= settings.min_words
    kept, bounds, cut = _kept(runs, long_enough, settings.kept_runs)
    return Sketch(_bands(runs, long_enough, settings), kept, bounds, cut)


def _kept(runs: Runs, use: NDArray[np.bool_], most: int) -> tuple[NDArray[np.uint32], Bounds, NDArray[np.bool_]]:
    n = len(use)
    owner = np.repeat(np.arange(n, dtype=np.uint64), np.diff(runs.bounds))
    # One sort of owner and hash together puts each row's runs in order; equal neighbours are repeats.
    codes = np.sort(owner << _HALF | runs.hashes >> _HALF)
    codes = codes[np.concatenate([[True], codes[1:] != codes[:-1]])] if len(codes) else codes
    owner_of = (codes >> _HALF).astype(np.int64)
    counts = np.bincount(owner_of, minlength=n)
    rank = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    keep = (rank < most) & use[owner_of]
    kept_counts = np.where(use, np.minimum(counts, most), 0)
    bounds = np.concatenate([[0], np.cumsum(kept_counts)])
    return (codes[keep] & _LOW).astype(np.uint32), bounds, use & (counts > most)


def _bands(runs: Runs, use: NDArray[np.bool_], settings: NearSettings) -> NDArray[np.uint32]:
    """Return the hashes of each band, shape (bands, N); rows that are not used have zeros."""
    count = settings.bands * settings.band_hashes
    constants = mixed(np.arange(2 * count, dtype=np.uint64), seed=settings.seed)
    flips = (constants[:count] >> _HALF).astype(np.uint32)
    factors = (constants[count:] >> _HALF).astype(np.uint32) | np.uint32(1)
    values = (runs.hashes >> _HALF).astype(np.uint32)
    filled = np.diff(runs.bounds) > 0
    begins = runs.bounds[:-1][filled]
    permuted, smallest = np.empty_like(values), np.empty(len(begins), dtype=np.uint32)
    bands = np.zeros((settings.bands, len(use)), dtype=np.uint32)
    for band in range(settings.bands if len(begins) else 0):
        joined = np.full(len(begins), band, dtype=np.uint64)
        for i in range(band * settings.band_hashes, (band + 1) * settings.band_hashes):
            # x -> (x ^ flip) * odd is a permutation of the 32-bit numbers; x is already well mixed.
            np.bitwise_xor(values, flips[i], out=permuted)
            np.multiply(permuted, factors[i], out=permuted)
            np.minimum.reduceat(permuted, begins, out=smallest)
            joined = mixed(joined ^ smallest)
        bands[band, filled] = (joined >> _HALF).astype(np.uint32)
    bands[:, ~use] = 0
    return bands


def cluster(sketches: Sequence[Sketch], alone: NDArray[np.bool_], settings: NearSettings) -> Clusters:
    """Return the clusters of all rows of the sketches, in order; rows with `alone` True are left out."""
    kept = _KeptRuns(sketches)
    take = ~alone & (kept.sizes > 0)
    rows = np.flatnonzero(take)
    root = np.arange(len(alone))
    refused = np.zeros(0, dtype=np.uint64)
    matches: dict[int, Match] = {}
    verified, crowded = 0, np.zeros(len(alone), dtype=bool)
    for band in range(settings.bands if len(rows) > 1 else 0):
        keys = _keys(sketches, band)[rows]
        for codes in _candidates(keys, rows, settings.neighbours):
            fresh = _without(codes[root[_first(codes)] != root[_second(codes)]], refused)
            similar = kept.jaccard(_first(fresh), _second(fresh))
            good = similar >= settings.threshold
            verified += len(fresh)
            refused = np.sort(np.concatenate([refused, fresh[~good]]))
            _note(matches, fresh[good], similar[good])
            root = _joined(root, fresh[good])
        crowded[_crowded(keys, rows, settings.neighbours)] = True
    return Clusters(root, matches, verified, int(crowded.sum()))


def _keys(sketches: Sequence[Sketch], band: int) -> Hashes:
    """Return this band's hash in the upper half and the next band's in the lower.

    Sorted so, alike rows stand next to each other even in a bucket of thousands.
    """
    upper = np.concatenate([sketch.bands[band] for sketch in sketches]).astype(np.uint64)
    lower = np.concatenate([sketch.bands[(band + 1) % len(sketch.bands)] for sketch in sketches])
    keys: Hashes = upper << _HALF | lower
    return keys


def _candidates(keys: Hashes, rows: Bounds, neighbours: int) -> Iterator[NDArray[np.uint64]]:
    """Yield pairs of rows of one bucket as `first << 32 | second`, sorted; rows far apart in a large bucket last."""
    order = np.argsort(keys, kind="stable")
    bucket, sorted_rows = keys[order] >> _HALF, rows[order].astype(np.uint64)
    for lag in range(1, min(neighbours, len(rows) - 1) + 1):
        at = np.flatnonzero(bucket[lag:] == bucket[:-lag])
        if not len(at):
            return
        a, b = sorted_rows[at], sorted_rows[at + lag]
        codes = np.sort(np.minimum(a, b) << _HALF | np.maximum(a, b))
        for start in range(0, len(codes), _PAIRS_AT_ONCE):
            yield codes[start : start + _PAIRS_AT_ONCE]


def _crowded(keys: Hashes, rows: Bounds, neighbours: int) -> Bounds:
    """Return the rows of buckets so large that some pairs of theirs were not candidates."""
    _, inverse, sizes = np.unique(keys >> _HALF, return_inverse=True, return_counts=True)
    crowded: Bounds = rows[sizes[inverse] > neighbours + 1]
    return crowded


def _without(codes: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the codes that are not among the sorted known ones."""
    if not len(known):
        return codes
    at = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    fresh: NDArray[np.uint64] = codes[known[at] != codes]
    return fresh


def _first(codes: NDArray[np.uint64]) -> Bounds:
    return (codes >> _HALF).astype(np.int64)


def _second(codes: NDArray[np.uint64]) -> Bounds:
    return (codes & _LOW).astype(np.int64)


def _note(matches: dict[int, Match], codes: NDArray[np.uint64], similar: NDArray[np.float64]) -> None:
    pairs = zip(_first(codes).tolist(), _second(codes).tolist(), similar.tolist(), strict=True)
    for match in (Match(*pair) for pair in pairs):
        for row in match[:2]:
            if row not in matches or matches[row].jaccard < match.jaccard:
                matches[row] = match


def _joined(root: Bounds, codes: NDArray[np.uint64]) -> Bounds:
    """Return each row's first row after joining the pairs' clusters; a cluster's root is its first row."""
    if not len(codes):
        return root
    a, b = root[_first(codes)], root[_second(codes)]
    nodes, compact = np.unique(np.concatenate([a, b]), return_inverse=True)
    n = len(nodes)
    edges = coo_array((np.ones(len(a)), (compact[: len(a)], compact[len(a) :])), shape=(n, n))
    labels = connected_components(edges, directed=False)[1]
    first = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(first, labels, nodes)
    renamed = np.arange(len(root))
    renamed[nodes] = first[labels]
    return renamed[root]


class _KeptRuns:
    """The kept runs of all rows, left in the arrays they came in."""

    def __init__(self, sketches: Sequence[Sketch]) -> None:
        self._sketches = sketches
        self._begin = np.concatenate([[0], np.cumsum([len(sketch.cut) for sketch in sketches], dtype=np.int64)])
        self.sizes = np.concatenate([np.zeros(0, dtype=np.int64), *(np.diff(s.bounds) for s in sketches)])
        self._cut = np.concatenate([np.zeros(0, dtype=bool), *(s.cut for s in sketches)])

    def jaccard(self, first: Bounds, second: Bounds) -> NDArray[np.float64]:
        """Return the Jaccard similarity of pairs of rows, shape (pairs,).

        Where a row was cut, both sets are compared below the smallest cut only: a uniform sample of the union
        (Broder 1997), so an estimate whose standard deviation is at most 0.5 / sqrt(kept runs).
        """
        a, owner_a, top_a = self._gather(first)
        b, owner_b, top_b = self._gather(second)
        top = np.minimum(top_a, top_b)
        a, b = a[(a & _LOW) <= top[owner_a]], b[(b & _LOW) <= top[owner_b]]
        codes = np.sort(np.concatenate([a, b]))
        same = codes[1:][codes[1:] == codes[:-1]]
        shared = np.bincount((same >> _HALF).astype(np.int64), minlength=len(first))
        total = np.bincount((codes >> _HALF).astype(np.int64), minlength=len(first))
        return np.asarray(shared / np.maximum(total - shared, 1), dtype=np.float64)

    def _gather(self, rows: Bounds) -> tuple[NDArray[np.uint64], Bounds, NDArray[np.uint64]]:
        """Return pair number and run as one code, the pair of each code, and the greatest run to compare."""
        part_of = np.searchsorted(self._begin, rows, side="right") - 1
        local = rows - self._begin[part_of]
        views = []
        for part, row in zip(part_of.tolist(), local.tolist(), strict=True):
            sketch = self._sketches[part]
            views.append(sketch.kept[sketch.bounds[row] : sketch.bounds[row + 1]])
        sizes = self.sizes[rows]
        owner = np.repeat(np.arange(len(rows)), sizes)
        runs = np.concatenate([np.zeros(0, dtype=np.uint32), *views]).astype(np.uint64)
        last = np.cumsum(sizes) - 1
        top = np.where(self._cut[rows], runs[last], _LOW)
        return owner.astype(np.uint64) << _HALF | runs, owner, top
