from __future__ import annotations

import math

import numpy as np
import pytest

from tunesmith.checks.kept_words import counts_of, kept_words, surprisal, vectors


def test_long_rows_keep_words_from_beginning_to_end() -> None:
    text = " ".join(f"w{i}" for i in range(1000))
    part, whole = kept_words([text, "one two"], 10), kept_words([text], 1000)
    assert part.totals.tolist() == [1000, 2]
    assert part.bounds.tolist() == [0, 10, 12]
    assert part.words[:10].tolist() == whole.words[50::100].tolist()


def test_counts_are_of_all_words_and_add_up() -> None:
    parts = [kept_words(["a a b"], 1), kept_words(["a c", ""], 1)]
    counts = counts_of(parts)
    a = int(kept_words(["a"], 1).words[0])
    assert (counts.occurrences[a], counts.rows_with[a], counts.rows) == (3, 2, 3)
    assert counts.occurrences.sum() == 5


def test_surprisal_by_hand() -> None:
    part = kept_words(["a a a b", ""], 64)
    bits = surprisal(part, counts_of([part]))
    # Of the 3 other words, 2 are a; b occurs nowhere else, which counts as half a time.
    assert bits[0] == pytest.approx((3 * -math.log2(2 / 3) - math.log2(0.5 / 3)) / 4)
    assert np.isnan(bits[1])


def test_vectors_have_length_one_or_nothing() -> None:
    part = kept_words(["red fox", "red dog", "", "fox"], 64)
    matrix = vectors(part, counts_of([part])).toarray()
    assert np.linalg.norm(matrix, axis=1).tolist() == pytest.approx([1, 1, 0, 1])
    assert 0 < matrix[0] @ matrix[1] < matrix[0] @ matrix[3]
