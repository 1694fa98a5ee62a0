from __future__ import annotations

import random

import numpy as np
import pytest

from tunesmith.checks.near import NearSettings, cluster, sketch_of

VOCABULARY = [f"word{i}" for i in range(3000)]


def runs(text: str, n: int = 3) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


def true_jaccard(a: str, b: str) -> float:
    return len(runs(a) & runs(b)) / len(runs(a) | runs(b))


def edited(text: str, edits: int, rng: random.Random) -> str:
    words = text.split()
    for at in rng.sample(range(len(words)), edits):
        words[at] = rng.choice(VOCABULARY)
    return " ".join(words)


def found(texts: list[str], settings: NearSettings | None = None, size: int = 1000) -> list[int]:
    settings = settings or NearSettings()
    sketches = [sketch_of(texts[i : i + size], settings) for i in range(0, len(texts), size)]
    return cluster(sketches, np.zeros(len(texts), dtype=bool), settings).first_of.tolist()


def make(n: int, length: int, rng: random.Random) -> list[str]:
    return [" ".join(rng.choices(VOCABULARY, k=length)) for _ in range(n)]


def test_pairs_are_found_exactly_where_the_true_similarity_says_so() -> None:
    rng = random.Random(0)
    originals = make(400, 60, rng)
    copies = [edited(text, i % 13, rng) for i, text in enumerate(originals)]
    first = found([*originals, *copies])
    true = [true_jaccard(a, b) for a, b in zip(originals, copies, strict=True)]
    joined = [first[400 + i] == i for i in range(400)]
    similar = [i for i in range(400) if true[i] >= 0.7]
    assert len(similar) > 100 and len(similar) < 300
    # 1 - (1 - 0.7^5)^25 = 0.99 at the threshold, and more above it.
    assert np.mean([joined[i] for i in similar]) >= 0.99
    assert not any(joined[i] for i in range(400) if true[i] < 0.7)


def test_unrelated_rows_stay_alone() -> None:
    assert found(make(2000, 30, random.Random(1))) == list(range(2000))


def test_a_cut_row_is_estimated_within_its_error() -> None:
    rng = random.Random(2)
    long = make(1, 2000, rng)[0]
    settings = NearSettings(threshold=0.01, kept_runs=512)
    for edits in (20, 100):
        other = edited(long, edits, rng)
        sketch = sketch_of([long, other], settings)
        assert sketch.cut.all()
        clusters = cluster([sketch], np.zeros(2, dtype=bool), settings)
        assert clusters.match_of[1].jaccard == pytest.approx(true_jaccard(long, other), abs=4 * 0.5 / 512**0.5)


def test_the_similarity_of_short_rows_is_exact() -> None:
    a, b = "one two three four five six seven eight nine ten", "one two three four five six seven eight nine twelve"
    clusters = cluster([sketch_of([a, b], NearSettings())], np.zeros(2, dtype=bool), NearSettings())
    assert clusters.match_of[1].jaccard == pytest.approx(7 / 9)


def test_a_cluster_is_named_after_its_first_row_through_a_chain() -> None:
    words = [f"w{i}" for i in range(60)]
    chain = [" ".join([*words[: 60 - 6 * k], *(f"new{i}" for i in range(6 * k))]) for k in range(5)]
    assert true_jaccard(chain[0], chain[4]) < 0.7
    assert found(["lone row of some six words", *chain]) == [0, 1, 1, 1, 1, 1]


def test_rows_shorter_than_min_words_and_rows_alone_are_left_out() -> None:
    texts = ["yes of course", "yes of course", "a b c d e f", "a b c d e f"]
    assert found(texts) == [0, 1, 2, 2]
    alone = np.array([False, False, False, True])
    assert cluster([sketch_of(texts, NearSettings())], alone, NearSettings()).first_of.tolist() == [0, 1, 2, 3]


def test_a_bucket_larger_than_the_neighbours_is_counted_and_still_joined() -> None:
    rng = random.Random(3)
    base = make(1, 80, rng)[0]
    texts = [edited(base, 1, rng) for _ in range(200)]
    settings = NearSettings(neighbours=4)
    clusters = cluster([sketch_of(texts, settings)], np.zeros(200, dtype=bool), settings)
    assert clusters.crowded > 150
    assert set(clusters.first_of.tolist()) == {0}


def test_no_rows_at_all() -> None:
    none = np.zeros(0, dtype=bool)
    assert cluster([], none, NearSettings()).first_of.tolist() == []
    assert cluster([sketch_of([], NearSettings())], none, NearSettings()).verified == 0
