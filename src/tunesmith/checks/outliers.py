"""Rows that stand far from the rest of their data set: by length, by rare words, and by what they are about.

Measures, each judged by one rule (`checks/robust.py`), so that half of the rows may be strange and still not hide:

* `outliers.prompt_length`, `outliers.answer_length`, `outliers.length` (documents): ln(1 + words), both sides.
* `outliers.rarity`: mean surprisal of the words under the data set's own frequencies, high side: other languages,
  gibberish, misspelt rows.
* `outliers.distance`: -ln(0.02 + cosine similarity) to the nearest of `centres` TF-IDF centres of the data set, high
  side: rows about something else. (1 - cosine ends at 1, so nothing could ever stand far from a typical 0.8.)

A row is an outlier for a reason worth reading, not because it is wrong, so all are notes. `ScoreOutliers` judges values
computed elsewhere (perplexity) by the same rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array, vstack

from tunesmith.checks.check import CheckedRow
from tunesmith.checks.finding import CheckResult, Finding
from tunesmith.checks.k_means import spherical_k_means
from tunesmith.checks.kept_words import KeptWords, counts_of, kept_words, surprisal, vectors
from tunesmith.checks.places import Places, joined, places_of
from tunesmith.checks.robust import Judged, OutlierRule, histogram, outlying
from tunesmith.checks.sample import row_keys
from tunesmith.checks.texts import answered, asked, whole
from tunesmith.checks.tf_idf import main_directions
from tunesmith.checks.words import words_of
from tunesmith.core.config import Strict
from tunesmith.core.records import Document

Floats = NDArray[np.float32]
_LEAST_CLUSTER = 0.01  # share of the sample below which a cluster is no centre
_FLOOR = 0.02  # of a cosine similarity; two texts without a common word have 0


class OutliersConfig(Strict):
    """The rule of each measure, and how much is kept."""

    length: OutlierRule = Field(
        default=OutlierRule(cut=5.0, least_scale=0.35), description="of ln(1 + words); 0.35 is a factor of 1.4"
    )
    rarity: OutlierRule = Field(
        default=OutlierRule(cut=5.0, least_scale=0.3, side="high"), description="of mean surprisal in bits"
    )
    distance: OutlierRule = Field(
        default=OutlierRule(cut=4.0, least_scale=0.25, side="high"), description="of -ln(0.02 + cosine similarity)"
    )
    min_words: int = Field(default=5, ge=1, description="shorter rows are judged by length only")
    far_words: int = Field(default=16, ge=1, description="rows with fewer words are near nothing: no distance")
    kept_words: int = Field(default=64, ge=8, description="words of a row that rarity and distance look at")
    centres: int = Field(default=32, ge=1, description="centres of the data set")
    sample: int = Field(default=4000, ge=100, description="rows from which the centres are found")
    seed: int = Field(default=0, description="of the sample and the centres")


class OutliersPart(NamedTuple):
    """What is kept of N rows, about 170 bytes each: ln(1 + words) of three texts (NaN: no such text), words, keys."""

    places: Places
    prompt_length: Floats
    answer_length: Floats
    length: Floats
    words: KeptWords
    keys: NDArray[np.float32]


class Outliers:
    """Rows far from the rest by length, rarity of words, or subject."""

    name = "outliers"
    source = "modified z-score: Iglewicz and Hoaglin 1993; TF-IDF: Salton and Buckley 1988"

    def __init__(self, config: OutliersConfig | None = None) -> None:
        self.config = config or OutliersConfig()

    def chunk(self, rows: Sequence[CheckedRow]) -> OutliersPart:
        """Return the rows' lengths and kept words."""
        records = [row.record for row in rows]
        answers = [answered(record) for record in records]
        documents = np.array([isinstance(record, Document) for record in records], dtype=bool)
        return OutliersPart(
            places_of(rows),
            _log_lengths([asked(record) for record in records], documents),
            _log_lengths(answers, ~np.array([bool(answer) for answer in answers], dtype=bool)),
            _log_lengths([record.text if isinstance(record, Document) else "" for record in records], ~documents),
            kept_words([whole(record) for record in records], self.config.kept_words),
            row_keys(rows, self.config.seed).astype(np.float32),
        )

    def conclude(self, parts: Iterable[OutliersPart]) -> CheckResult:
        """Return the outliers of each measure.

        `plots`: for each measure that could be taken, {"edges", "counts", "low", "high"}: its histogram and limits.
        """
        kept = list(parts)
        places = joined(part.places for part in kept)
        values: dict[str, Floats] = {
            name: _joined([getattr(part, name) for part in kept])
            for name in ("prompt_length", "answer_length", "length")
        }
        counts = counts_of([part.words for part in kept])
        totals = np.concatenate([np.zeros(0, np.int32), *(part.words.totals for part in kept)])
        rare = _joined([surprisal(part.words, counts) for part in kept])
        far = self._distances(kept) if len(places) >= 20 else np.full(len(places), np.nan, dtype=np.float32)
        values["rarity"] = np.where(totals >= self.config.min_words, rare, np.float32(np.nan))
        values["distance"] = np.where(totals >= self.config.far_words, far, np.float32(np.nan))
        findings: list[Finding] = []
        numbers: dict[str, Any] = {"rows": len(places), "words_read_of_a_row": self.config.kept_words}
        plots: dict[str, Any] = {}
        for name, measured in values.items():
            judged = outlying(measured, self._rule(name))
            if judged is None:
                continue
            findings += _findings(places, name, measured, judged)
            numbers[name] = {"outliers": len(judged.rows), "median": _shown(name, judged.median)}
            plots[name] = histogram(measured) | {"low": judged.low, "high": judged.high}
        return CheckResult(check=self.name, findings=findings, numbers=numbers, plots=plots, advice=_advice(numbers))

    def _rule(self, name: str) -> OutlierRule:
        rules = {"rarity": self.config.rarity, "distance": self.config.distance}
        return rules.get(name, self.config.length)

    def _distances(self, parts: Sequence[OutliersPart]) -> Floats:
        counts = counts_of([part.words for part in parts])
        keys = np.concatenate([part.keys for part in parts])
        limit = np.partition(keys, self.config.sample)[self.config.sample] if len(keys) > self.config.sample else 2.0
        sampled = [vectors(_rows(part.words, part.keys < limit), counts) for part in parts if (part.keys < limit).any()]
        centres = _centres(sampled, self.config.centres, self.config.seed)
        nearest = [np.asarray(vectors(part.words, counts) @ centres).max(axis=1) for part in parts]
        return _joined([-np.log(np.maximum(similarity, 0.0) + _FLOOR) for similarity in nearest])


class ScoreOutliers:
    """Judge values that were computed elsewhere, one a row, by the rule of the other outliers.

    `scores` maps (file, line) to a value, such as perplexity under a base model; rows that it lacks are counted, not
    judged. `name` is the check's name, such as "perplexity"; its findings are of the kind `<name>.outlier`.
    """

    def __init__(self, name: str, source: str, scores: Mapping[tuple[str, int], float], rule: OutlierRule) -> None:
        self.name, self.source = name, source
        self.scores, self.rule = scores, rule

    def chunk(self, rows: Sequence[CheckedRow]) -> tuple[Places, Floats]:
        """Return the rows' places and values, NaN where there is none."""
        values = (self.scores.get((row.file, row.line), np.nan) for row in rows)
        return places_of(rows), np.fromiter(values, dtype=np.float32, count=len(rows))

    def conclude(self, parts: Iterable[tuple[Places, Floats]]) -> CheckResult:
        """Return the outliers; `plots`: `<name>`: {"edges", "counts", "low", "high"}."""
        kept = list(parts)
        places, values = joined(part[0] for part in kept), _joined([part[1] for part in kept])
        numbers: dict[str, Any] = {"rows": len(places), "without_score": int(np.isnan(values).sum())}
        judged = outlying(values, self.rule)
        if judged is None:
            return CheckResult(check=self.name, numbers=numbers, advice=("fewer than 20 scores: too few to judge",))
        findings = []
        for row, z in zip(judged.rows.tolist(), judged.z.tolist(), strict=True):
            file, line = places.at(row)
            reason = f"{values[row]:.4g}, median {judged.median:.4g} (modified z-score {z:.1f})"
            findings.append(Finding(file, line, "", f"{self.name}.outlier", reason, "note"))
        numbers |= {"outliers": len(findings), "median": judged.median}
        plots = {self.name: histogram(values) | {"low": judged.low, "high": judged.high}}
        return CheckResult(check=self.name, findings=findings, numbers=numbers, plots=plots)


def _log_lengths(texts: Sequence[str], absent: NDArray[np.bool_]) -> Floats:
    return np.where(absent, np.nan, np.log1p(words_of(texts).counts)).astype(np.float32)


def _joined(values: Sequence[NDArray[Any]]) -> Floats:
    return np.concatenate([np.zeros(0, dtype=np.float32), *values]).astype(np.float32)


def _rows(words: KeptWords, keep: NDArray[np.bool_]) -> KeptWords:
    """Return the chosen rows, with the counts left as they are."""
    sizes = np.diff(words.bounds)
    bounds = np.concatenate([[0], np.cumsum(sizes[keep])])
    return words._replace(words=words.words[np.repeat(keep, sizes)], bounds=bounds, totals=words.totals[keep])


def _centres(sampled: Sequence[csr_array], k: int, seed: int) -> NDArray[np.float32]:
    """Return the mean directions of the sample's clusters, shape (65536, k)."""
    matrix = csr_array(vstack(sampled))
    cluster = spherical_k_means(main_directions(matrix, k, seed=seed), min(k, matrix.shape[0]), seed=seed)
    groups = csr_array((np.ones(len(cluster)), (cluster, np.arange(len(cluster)))))
    # A handful of strange rows must not become a centre of their own; clusters are numbered by falling size.
    sizes = np.bincount(cluster)
    groups = groups[: max(1, int((sizes >= max(3, _LEAST_CLUSTER * len(cluster))).sum()))]
    sums = np.asarray((groups @ matrix).todense())
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.ascontiguousarray((sums / np.maximum(lengths, 1e-9)).T, dtype=np.float32)


_FIELDS = {"prompt_length": "prompt", "answer_length": "answer", "length": "text"}


def _findings(places: Places, name: str, values: Floats, judged: Judged) -> Iterator[Finding]:
    for row, z in zip(judged.rows.tolist(), judged.z.tolist(), strict=True):
        file, line = places.at(row)
        if name in _FIELDS:
            what = (
                f"the {_FIELDS[name]} has {np.expm1(values[row]):,.0f} words, the median {np.expm1(judged.median):,.0f}"
            )
        elif name == "rarity":
            what = f"its words are rare here: {values[row]:.1f} bits a word, the median {judged.median:.1f}"
        else:
            cosine, usual = (max(float(np.exp(-v)) - _FLOOR, 0.0) for v in (values[row], judged.median))
            what = f"unlike the rest: cosine similarity {cosine:.2f} to the nearest centre, the median {usual:.2f}"
        yield Finding(file, line, "", f"outliers.{name}", f"{what} (modified z-score {z:.1f})", "note")


def _shown(name: str, median: float) -> dict[str, float]:
    return {"words": float(np.expm1(median))} if name in _FIELDS else {"value": median}


def _advice(numbers: Mapping[str, Any]) -> tuple[str, ...]:
    count = sum(value["outliers"] for value in numbers.values() if isinstance(value, dict))
    return (f"read the {count:,} outliers: a few are faults, the rest are the edge of your data",) if count else ()
