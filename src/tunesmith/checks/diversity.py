"""The dartboard: do the rows hit the whole board, or one corner of it?

A uniform sample of what is asked (or of the documents) becomes TF-IDF vectors, these are reduced to their main
directions (latent semantic analysis, Deerwester et al. 1990) and clustered (spherical k-means). Measures:

* `lopsidedness`: 1 - D2 / D0, with D the similarity-sensitive diversity of Leinster and Cobbold (2012), where two rows
  are of one kind if their cosine similarity reaches `same_kind`. `kinds` (D0) counts thin kinds as much as thick ones,
  `common_kinds` (D2) counts a kind by how common it is. 0: every row has equally many rows of its kind; near 1: a few
  kinds hold nearly all rows, and many kinds are thin. (The entropy of k-means clusters does not show this: k-means
  divides the thick corner until its clusters are even. They serve to name the corners.) The 95 % interval resamples
  rows (bootstrap, shifted by the bias that resampling itself shows).
* `coverage`: the share of sampled rows with a neighbour at cosine similarity >= `alike` in the sample; high: new
  rows of this kind are probably covered, and the rows repeat each other; low: rows stand alone.
* `different_rows`: the Vendi score (Friedman and Dieng 2022, arXiv 2210.02410): how many completely different rows
  would be as diverse as the compared ones.
* `distinct_1/2/3`: different word n-grams over all n-grams (Li et al. 2016, arXiv 1510.03055), in at most
  `compared` texts, since the measure falls as texts are added; of prompts and of completions.

It says nothing about meaning: two wordings of one question may lie in two clusters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import eigh

from tunesmith.checks.check import CheckedRow
from tunesmith.checks.finding import CheckResult
from tunesmith.checks.k_means import spherical_k_means
from tunesmith.checks.sample import Sampled, drawn, gathered, last_line
from tunesmith.checks.texts import answered, subject
from tunesmith.checks.tf_idf import Vectors, main_directions, vectors
from tunesmith.checks.words import runs_of, words_of
from tunesmith.core.config import Strict
from tunesmith.statistics.rates import wilson

Floats = NDArray[np.float64]
_RESAMPLES = 400


class DiversityConfig(Strict):
    """How much is sampled, and how finely the board is divided."""

    sample: int = Field(default=5000, ge=100, description="rows clustered, about; all rows where there are fewer")
    compared: int = Field(default=1500, ge=50, description="rows of the sample compared pair by pair")
    clusters: int = Field(default=32, ge=2, description="clusters at most; at least ten rows each on average")
    directions: int = Field(default=32, ge=2, description="directions of the reduced vectors at most")
    characters: int = Field(default=600, ge=50, description="of a text's beginning that are read")
    alike: float = Field(default=0.5, gt=0, lt=1, description="cosine similarity from which on two rows are neighbours")
    same_kind: float = Field(
        default=0.25, gt=0, lt=1, description="cosine similarity from which on they are of one kind"
    )
    over: float = Field(default=3.0, gt=1, description="a kind this many times its even share is over-represented")
    lopsided: float = Field(default=0.5, gt=0, lt=1, description="lopsidedness from which on advice is given")
    seed: int = Field(default=0, description="of the sample and the clusters")


class Kept(NamedTuple):
    """The beginnings of a sampled row's question and answer."""

    subject: str
    answer: str


class Diversity:
    """How evenly and how widely the rows are spread."""

    name = "diversity"
    source = "Leinster and Cobbold 2012; Vendi score (arXiv 2210.02410); distinct-n (arXiv 1510.03055)"

    def __init__(self, config: DiversityConfig | None = None) -> None:
        self.config = config or DiversityConfig()

    def chunk(self, rows: Sequence[CheckedRow]) -> Sampled[Kept]:
        """Return the sampled rows' texts."""
        chosen, keys = drawn(rows, self.config.sample, self.config.seed)
        most = self.config.characters
        records = [rows[i].record for i in chosen.tolist()]
        kept = [Kept(subject(record)[:most], answered(record)[:most]) for record in records]
        return Sampled(keys.tolist(), kept, len(rows), last_line(rows))

    def conclude(self, parts: Iterable[Sampled[Kept]]) -> CheckResult:
        """Return the measures of the sample.

        `plots`: `clusters`: [{"cluster", "terms", "rows", "share", "times_even_share", "example"}, ...] by
        falling size; `map`:
        {"x", "y", "cluster", "text"}, the first two principal components of the compared rows (cosine kernel);
        `nearest`: {"edges", "counts"}, each compared row's greatest cosine similarity to another.
        """
        sample = gathered(parts, self.config.sample)
        kept = [row for row in sample.values if row.subject.strip()]
        sizes: dict[str, Any] = {"rows": sample.rows, "sampled": len(kept)}
        if len(kept) < 20:
            return CheckResult(
                check=self.name, numbers=sizes, advice=("fewer than 20 rows: too few to judge diversity",)
            )
        texts = [row.subject for row in kept]
        found = vectors(texts)
        k = max(2, min(self.config.clusters, len(texts) // 10))
        cluster = spherical_k_means(
            main_directions(found.matrix, self.config.directions, seed=self.config.seed), k, seed=self.config.seed
        )
        clusters = describe(found, cluster, texts)
        # The sample is in random order, so its first rows are a sample too.
        m = min(self.config.compared, len(texts))
        alike = np.asarray((found.matrix[:m] @ found.matrix[:m].T).todense(), dtype=np.float64)
        nearest = _nearest(alike)
        numbers = {
            **sizes,
            "clusters": k,
            "compared": m,
            **lopsidedness(alike, self.config.same_kind, seed=self.config.seed),
            "coverage": wilson(int((nearest >= self.config.alike).sum()), m).to_json(),
            "different_rows": _vendi(alike),
            **_distinct("prompt", texts[:m]),
            **_distinct("completion", [row.answer for row in kept[:m] if row.answer]),
        }
        sides = thick_and_thin(found, texts, alike >= self.config.same_kind, self.config.over)
        numbers |= {f"{name}_rows": side["share"] for name, side in sides.items()}
        x, y = _principal(alike)
        counts, edges = np.histogram(nearest, bins=20, range=(0.0, 1.0))
        plots = {
            "clusters": clusters,
            "map": {"x": x, "y": y, "cluster": cluster[:m].tolist(), "text": [text[:80] for text in texts[:m]]},
            "nearest": {"edges": edges.tolist(), "counts": counts.tolist()},
        }
        return CheckResult(check=self.name, numbers=numbers, plots=plots, advice=self._advice(numbers, sides))

    def _advice(self, numbers: Mapping[str, Any], sides: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
        advice = []
        for name, what in (
            ("thick", "over-represented, more than {} times"),
            ("thin", "under-represented, less than 1/{} of"),
        ):
            side = sides[name]
            if side["rows"]:
                words = ", ".join(side["terms"])
                rule = what.format(f"{self.config.over:g}")
                advice.append(f"{rule} an even share: {side['share']:.0%} of the compared rows, such as: {words}")
        if numbers["lopsidedness"]["low"] >= self.config.lopsided:
            advice.insert(0, "the rows are lopsided: balance them, or fill its thin corners")
        return tuple(advice)


def lopsidedness(alike: Floats, same_kind: float, *, seed: int) -> dict[str, Any]:
    """Return `lopsidedness` with its interval, `kinds` and `common_kinds`, from cosine similarities (m, m)."""
    kinship = (alike >= same_kind).astype(np.float32)
    np.fill_diagonal(kinship, 1.0)
    m = len(kinship)
    kinds, common = _kinds(kinship, np.full((1, m), 1.0 / m))
    drawn_again = np.random.default_rng(seed).multinomial(m, np.full(m, 1.0 / m), size=_RESAMPLES) / m
    all_kinds, all_common = _kinds(kinship, drawn_again)
    resampled = 1.0 - all_common / all_kinds
    value = float(1.0 - common[0] / kinds[0])
    low, high = np.quantile(resampled, [0.025, 0.975]) - (resampled.mean() - value)
    rate = {"value": value, "low": float(max(low, 0.0)), "high": float(min(high, 1.0)), "n": m}
    return {"lopsidedness": rate, "kinds": float(kinds[0]), "common_kinds": float(common[0])}


def _kinds(kinship: NDArray[np.float32], weights: Floats) -> tuple[Floats, Floats]:
    """Return the diversities of order 0 and 2, each (resamples,), of rows weighted by `weights` (resamples, m)."""
    density = weights.astype(np.float32) @ kinship
    inverse = np.divide(weights, density, out=np.zeros_like(weights), where=weights > 0)
    return inverse.sum(axis=1), 1.0 / (weights * density).sum(axis=1)


def thick_and_thin(
    found: Vectors, texts: Sequence[str], kin: NDArray[np.bool_], over: float
) -> dict[str, dict[str, Any]]:
    """Return the `thick` and the `thin` rows in words: {"rows", "share", "terms"}, of `kin` (m, m), the first m texts.

    A row is thick if its kind is `over` times as common as if all kinds were equally common (1 / `kinds`), and thin if
    it is that many times rarer.
    """
    density = np.maximum(kin.mean(axis=1), 1.0 / len(kin))
    even = 1.0 / float((1.0 / density).mean())
    side = np.where(density >= over * even, 2, np.where(density <= even / over, 0, 1))
    whole = Vectors(found.matrix[: len(kin)], found.terms)
    described = {c["cluster"]: c for c in describe(whole, side, texts)}
    nothing = {"rows": 0, "share": 0.0, "terms": []}
    return {name: described.get(number, nothing) for name, number in (("thick", 2), ("thin", 0))}


def describe(found: Vectors, cluster: NDArray[np.int64], texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return each cluster's typical words, size and its most typical text."""
    clusters, n, k = [], len(cluster), int(cluster.max()) + 1
    overall = np.asarray(found.matrix.mean(axis=0)).ravel()
    for number in range(k):
        members = np.flatnonzero(cluster == number)
        if not len(members):
            continue
        part = found.matrix[members]
        centre = np.asarray(part.mean(axis=0)).ravel()
        # The divergence of this cluster from all rows, term by term: words that are common everywhere rank low.
        lift = np.divide(centre, overall, out=np.ones_like(centre), where=(overall > 0) & (centre > 0))
        typical = np.argsort(-centre * np.log(lift), kind="stable")[:5]
        example = members[int(np.argmax(part @ centre))]
        clusters.append(
            {
                "cluster": number,
                "terms": [found.terms[t] for t in typical.tolist() if centre[t] > overall[t]],
                "rows": len(members),
                "share": len(members) / n,
                "times_even_share": len(members) * k / n,
                "example": texts[example][:120],
            }
        )
    return clusters


def _nearest(alike: Floats) -> Floats:
    others = alike.copy()
    np.fill_diagonal(others, 0.0)
    return np.asarray(np.clip(others.max(axis=1), 0.0, 1.0))


def _vendi(alike: Floats) -> float:
    """Return exp of the entropy of the eigenvalues of the similarity matrix over n."""
    full = alike.copy()
    np.fill_diagonal(full, 1.0)
    values = np.clip(eigh(full / len(full), eigvals_only=True), 0.0, None)
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def _principal(alike: Floats) -> tuple[list[float], list[float]]:
    """Return the coordinates of the first two principal components of the vectors with these inner products."""
    centred = alike - alike.mean(axis=0) - alike.mean(axis=1)[:, None] + alike.mean()
    n = len(centred)
    values, directions = eigh(centred, subset_by_index=[n - 2, n - 1])
    axes = []
    for i in (1, 0):
        axis = directions[:, i] * np.sqrt(max(values[i], 0.0))
        # An eigenvector's sign is arbitrary; fixed, so that the same data give the same map.
        axes.append(np.round(axis * (1.0 if axis[np.argmax(np.abs(axis))] >= 0 else -1.0), 4).tolist())
    return axes[0], axes[1]


def _distinct(name: str, texts: Sequence[str]) -> dict[str, float]:
    """Return distinct-1, -2 and -3 of the texts, for n where there is an n-gram."""
    words = words_of(texts)
    measures = {}
    for n in (1, 2, 3):
        runs = runs_of(words, n).hashes[np.repeat(words.counts >= n, np.diff(runs_of(words, n).bounds))]
        if len(runs):
            measures[f"{name}_distinct_{n}"] = len(np.unique(runs)) / len(runs)
    return measures
