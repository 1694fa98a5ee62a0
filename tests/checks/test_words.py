from __future__ import annotations

import re
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.checks.words import mixed, runs_of, words_of


def spelled(texts: list[str]) -> list[list[str]]:
    words = words_of(texts)
    return [[words.spell(w) for w in range(words.bounds[i], words.bounds[i + 1])] for i in range(len(texts))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World! It's 3.5 kg", ["hello", "world", "it", "s", "3", "5", "kg"]),
        ("“Quoted” café—naïve", ["quoted", "café", "naïve"]),
        ("日本語 text中x", ["日", "本", "語", "text", "中", "x"]),
        ("a\u00a0b\u3000c", ["a", "b", "c"]),
        ("ﬁne", ["fine"]),  # NFKC takes ligatures apart
        (" … -- \n", []),
        ("", []),
        ("привет мир", ["привет", "мир"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert spelled(["x y", text, "z"]) == [["x", "y"], expected, ["z"]]


@given(st.lists(st.text(alphabet=string.ascii_letters + string.digits + " .,-\n'"), max_size=8))
def test_ascii_words_are_runs_of_letters_and_digits(texts: list[str]) -> None:
    assert spelled(texts) == [re.findall(r"[a-z0-9]+", text.lower()) for text in texts]


@given(st.lists(st.text(max_size=30), max_size=6))
def test_any_text_is_cut_and_its_hashes_do_not_depend_on_its_neighbours(texts: list[str]) -> None:
    together = words_of(texts)
    assert together.bounds[-1] == len(together.hashes) == len(together.ends)
    for i, text in enumerate(texts):
        assert words_of([text]).hashes.tolist() == together.hashes[together.bounds[i] : together.bounds[i + 1]].tolist()


def test_equal_words_have_equal_hashes_and_different_ones_do_not() -> None:
    many = [f"w{i}" for i in range(50_000)]
    words = words_of([" ".join(many), "W7 w7"])
    assert len(np.unique(words.hashes)) == 50_000
    assert words.hashes[-1] == words.hashes[-2] == words.hashes[7]


def test_the_hash_is_the_same_on_every_machine() -> None:
    polynomial = sum((byte + 1) * 0x9E3779B97F4A7C15**i for i, byte in enumerate(b"the")) % 2**64
    expected = mixed(np.array([polynomial], dtype=np.uint64)).tolist()
    assert words_of(["the"]).hashes.tolist() == words_of(["so is the"]).hashes[2:].tolist() == expected
    assert mixed(np.array([1], dtype=np.uint64)).tolist() == [
        0x910A2DEC89025CC1
    ]  # SplitMix64's first output for seed 1


def test_runs_are_the_n_grams_inside_each_text() -> None:
    words = words_of(["a b c d", "", "a b", "b c d"])
    runs = runs_of(words, 3)
    assert np.diff(runs.bounds).tolist() == [2, 0, 1, 1]
    assert runs.hashes[1] == runs.hashes[3], "b c d in both"
    assert len(np.unique(runs.hashes)) == 3
    assert runs_of(words, 1).bounds.tolist() == words.bounds.tolist()


def test_order_and_length_matter_to_a_run() -> None:
    a, b, c, d = (runs_of(words_of([text]), 4).hashes.tolist() for text in ("x y", "y x", "x x y", "x y x"))
    assert len({*a, *b, *c, *d}) == 4
