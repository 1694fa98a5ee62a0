from __future__ import annotations

import pytest

from tunesmith.evaluate.text_measures import distinct_n, mean_length, repetition_share, words


def test_words():
    assert words("Don't PANIC, it’s 3.") == ["don't", "panic", ",", "it’s", "3", "."]


def test_distinct_n_by_hand():
    # Bigrams: ab bc | ab: three, two of them distinct.
    assert distinct_n([["a", "b", "c"], ["a", "b"]], 2) == pytest.approx(2 / 3)
    assert distinct_n([[1, 1, 1, 1]], 1) == 0.25


def test_repetition_is_within_a_sequence():
    assert repetition_share([["a", "b", "a", "b", "a"]], 2) == pytest.approx(0.5)
    assert repetition_share([["a", "b"], ["a", "b"]], 2) == 0.0


def test_undefined_is_not_zero():
    assert distinct_n([["a"], []], 2) is None
    assert repetition_share([["a"]], 2) is None
    assert mean_length([]) is None
    assert mean_length([2, 3]) == 2.5
