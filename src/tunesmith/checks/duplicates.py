"""Rows that repeat others: the same text, nearly the same text, and one prompt answered in different ways.

Repeated rows are learned by heart and weigh more than others; Lee et al. (2021, arXiv 2107.06499) measure what removing
them gains. Kinds of findings, each on every row but the first, which it names:

* `duplicates.exact`: equal texts but for letter case, white space and Unicode form.
* `duplicates.near`: Jaccard similarity of word runs from `threshold` on (`checks/near.py`). A note where prompt and
  answer both differ, since rows that fill one template share most of their words; else a warning.
* `duplicates.conflict`: a prompt that was answered otherwise before. A warning where both answers are short (at most
  `short_answer` words), since a closed question has one answer; else a note, since an open one may have many.
* `duplicates.reversed`: the two answers of an earlier comparison, preferred the other way round.

Records of the same row of a file are never findings of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tunesmith.checks.check import CheckedRow
from tunesmith.checks.finding import CheckResult, Clustered, Finding
from tunesmith.checks.near import Clusters, NearSettings, Sketch, cluster, sketch_of
from tunesmith.checks.places import Places, joined, places_of
from tunesmith.checks.texts import answered, asked, digests, whole
from tunesmith.checks.words import words_of
from tunesmith.core.config import Strict
from tunesmith.core.records import Comparison, Demonstration, Record

Codes = NDArray[np.uint64]


class DuplicatesConfig(Strict):
    """What counts as a repeat."""

    near: NearSettings = Field(default_factory=NearSettings, description="nearly equal texts")
    short_answer: int = Field(default=8, ge=0, description="words up to which two different answers are a warning")


class DuplicatesPart(NamedTuple):
    """Digests of N rows, shape (N,), 0 where a row has no such text; about 0.7 kB a row at most."""

    places: Places
    texts: Codes
    prompts: Codes
    answers: Codes
    answer_words: NDArray[np.int64]
    chosen: Codes
    rejected: Codes
    sketch: Sketch


class Duplicates:
    """Exact and near duplicates, conflicting answers and reversed comparisons."""

    name = "duplicates"
    source = "Lee et al. 2021 (arXiv 2107.06499): MinHash on word runs, verified by Jaccard similarity; Broder 1997"

    def __init__(self, config: DuplicatesConfig | None = None) -> None:
        self.config = config or DuplicatesConfig()

    def chunk(self, rows: Sequence[CheckedRow]) -> DuplicatesPart:
        """Return the rows' digests and sketches."""
        records = [row.record for row in rows]
        texts = [whole(record) for record in records]
        answers = [answered(record) if isinstance(record, Demonstration) else "" for record in records]
        return DuplicatesPart(
            places=places_of(rows),
            texts=digests(texts),
            prompts=digests(asked(record) for record in records),
            answers=digests(answers),
            answer_words=words_of(answers).counts,
            chosen=digests(_side(record, "chosen") for record in records),
            rejected=digests(_side(record, "rejected") for record in records),
            sketch=sketch_of(texts, self.config.near),
        )

    def conclude(self, parts: Iterable[DuplicatesPart]) -> CheckResult:
        """Return one finding for each row and each way in which it repeats an earlier one, and the clusters.

        `plots`: `cluster_sizes`: {"size": [2, 3, ...], "clusters": [...]} counts clusters of exact and near repeats.
        """
        kept = list(parts)
        places = joined(part.places for part in kept)
        n = len(places)
        texts = _all([part.texts for part in kept])
        exact_first = _first_equal(texts)
        near = cluster([part.sketch for part in kept], exact_first != np.arange(n), self.config.near)
        conflicts = list(self._conflicts(kept, places))
        swapped = list(_reversed(kept, places))
        exact = list(_exact(exact_first, places))
        similar = list(_near(near, places, self.config.near, _filled(kept)))
        first = near.first_of[exact_first]
        sizes = np.bincount(first, minlength=n)
        repeats = n - int((sizes > 0).sum())
        return CheckResult(
            check=self.name,
            findings=[*exact, *similar, *conflicts, *swapped],
            numbers={
                "rows": n,
                "exact": len(exact),
                "near": len(similar),
                "conflict": len(conflicts),
                "reversed": len(swapped),
                "share_of_rows_that_repeat": repeats / n if n else None,
                "clusters": int((sizes > 1).sum()),
                "largest_cluster": int(sizes.max()) if n else 0,
                "pairs_verified": near.verified,
                "rows_compared_in_part": near.crowded,
            },
            plots={"cluster_sizes": _histogram(sizes[sizes > 1])},
            clusters=_clusters(first, sizes, places),
            advice=_advice(repeats, n, conflicts),
        )

    def _conflicts(self, parts: Sequence[DuplicatesPart], places: Places) -> Iterator[Finding]:
        prompts, answers = _all([part.prompts for part in parts]), _all([part.answers for part in parts])
        lengths = _all([part.answer_words for part in parts])
        asked_before = _first_equal(np.where(answers > 0, prompts, 0))
        answered_before = _first_equal(_both(prompts, answers))
        fresh = (prompts > 0) & (answers > 0) & (answered_before == np.arange(len(prompts)))
        for row in np.flatnonzero(fresh & (asked_before != np.arange(len(prompts)))).tolist():
            first = int(asked_before[row])
            if places.at(first) == places.at(row):
                continue
            short = max(lengths[first], lengths[row]) <= self.config.short_answer
            reason = f"the prompt of {places.named(first)} with another answer"
            if not short:
                reason += " (right for an open request, wrong where one answer is meant)"
            yield _finding(places, row, "duplicates.conflict", reason, "warning" if short else "note")


def _side(record: Record, name: str) -> str:
    return str(getattr(record, name)) if isinstance(record, Comparison) else ""


def _all(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.uint64)


def _first_equal(codes: NDArray[Any]) -> NDArray[np.int64]:
    """Return for each row the first row with the same code; a code of 0 equals none."""
    rows = np.arange(len(codes))
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return np.where(codes != 0, first[inverse], rows)


def _both(a: NDArray[Any], b: NDArray[Any]) -> Codes:
    """Return one code for an ordered pair of codes."""
    x, y = a.astype(np.uint64), b.astype(np.uint64)
    return np.where((x > 0) & (y > 0), (x * np.uint64(0x9E3779B97F4A7C15)) ^ (y + (x >> np.uint64(7))), np.uint64(0))


def _exact(first: NDArray[np.int64], places: Places) -> Iterator[Finding]:
    for row in np.flatnonzero(first != np.arange(len(first))).tolist():
        if places.at(int(first[row])) != places.at(row):
            reason = f"the same text as {places.named(int(first[row]))}"
            yield _finding(places, row, "duplicates.exact", reason, "warning")


def _filled(parts: Sequence[DuplicatesPart]) -> Callable[[int, int], bool]:
    """Return what tells whether two rows differ in prompt and answer, as rows made from one template do."""
    prompts, answers = _all([part.prompts for part in parts]), _all([part.answers for part in parts])

    def differ(codes: NDArray[Any], a: int, b: int) -> bool:
        return bool(codes[a] and codes[b] and codes[a] != codes[b])

    return lambda a, b: differ(prompts, a, b) and differ(answers, a, b)


def _near(
    clusters: Clusters, places: Places, settings: NearSettings, filled: Callable[[int, int], bool]
) -> Iterator[Finding]:
    for row in np.flatnonzero(clusters.first_of != np.arange(len(places))).tolist():
        match = clusters.match_of[row]
        partner = match.first if match.second == row else match.second
        first = int(clusters.first_of[row])
        if places.at(first) == places.at(row):
            continue
        reason = f"{match.jaccard:.0%} of its {settings.run_words}-word runs are shared with {places.named(partner)}"
        if partner != first:
            reason += f"; the first such row is {places.named(first)}"
        yield _finding(places, row, "duplicates.near", reason, "note" if filled(row, partner) else "warning")


def _reversed(parts: Sequence[DuplicatesPart], places: Places) -> Iterator[Finding]:
    prompts = _all([part.prompts for part in parts])
    chosen, rejected = _all([part.chosen for part in parts]), _all([part.rejected for part in parts])
    forward, backward = _both(_both(prompts, chosen), rejected), _both(_both(prompts, rejected), chosen)
    earliest: dict[int, int] = {}
    for row in np.flatnonzero((forward > 0) & (forward != backward)).tolist():
        earliest.setdefault(int(forward[row]), row)
        first = earliest.get(int(backward[row]))
        if first is not None and first < row and places.at(first) != places.at(row):
            reason = f"{places.named(first)} prefers the other of the same two answers"
            yield _finding(places, row, "duplicates.reversed", reason, "warning")


def _finding(places: Places, row: int, kind: str, reason: str, severity: str) -> Finding:
    file, line = places.at(row)
    return Finding(file, line, "", kind, reason, "warning" if severity == "warning" else "note")


def _clusters(first: NDArray[np.int64], sizes: NDArray[np.int64], places: Places) -> list[Clustered]:
    rows = np.flatnonzero(sizes[first] > 1).tolist()
    return [Clustered(*places.at(row), places.named(int(first[row]))) for row in rows]


def _histogram(sizes: NDArray[np.int64]) -> dict[str, list[int]]:
    values, counts = np.unique(sizes, return_counts=True)
    return {"size": values.tolist(), "clusters": counts.tolist()}


def _advice(repeats: int, n: int, conflicts: Sequence[Finding]) -> tuple[str, ...]:
    advice = []
    if repeats:
        advice.append(f"{repeats:,} of {n:,} rows repeat an earlier row; keep the first row of each cluster")
    warned = sum(finding.severity == "warning" for finding in conflicts)
    if warned:
        advice.append(
            f"{warned:,} prompts have a second short answer: decide which is right, or a model learns a coin toss"
        )
    return tuple(advice)
