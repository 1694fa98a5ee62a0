from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tunesmith.make.augment.keyboard import neighbours
from tunesmith.make.augment.protect import COUNTING_WORDS
from tunesmith.make.augment.typos import mistyped


@given(word=st.text(alphabet="abcdehrto", min_size=4, max_size=9), seed=st.integers(0, 1000))
def test_one_error_behind_the_first_letter(word: str, seed: int) -> None:
    wrong = mistyped(random.Random(seed), word)
    assert wrong != word and wrong[0] == word[0] and abs(len(wrong) - len(word)) <= 1
    assert wrong not in COUNTING_WORDS


def test_there_never_becomes_three() -> None:
    assert all(mistyped(random.Random(seed), "there") != "three" for seed in range(500))


def test_keys_that_touch() -> None:
    assert set(neighbours("s")) == set("awedxz") and set(neighbours("p")) == set("ol") and neighbours("é") == ""
    assert all(a in neighbours(b) for a in "qwertyuiopasdfghjklzxcvbnm" for b in neighbours(a))
