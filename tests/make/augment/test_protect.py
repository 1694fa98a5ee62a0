from __future__ import annotations

import pytest

from tunesmith.make.augment.method import Unfit
from tunesmith.make.augment.protect import Protected, protect, words

from ..rows import demo


def free(prompt: str, answer: str = "x") -> set[str]:
    protected = protect(demo(prompt, answer))
    assert isinstance(protected, Protected)
    return {prompt[a:b] for a, b in words(protected)}


@pytest.mark.parametrize(
    ("prompt", "kept"),
    [
        ("Give me 12kg of apples", "kg"),
        ("We met Anna Schmidt there", "Schmidt"),
        ("He said “over there” loudly", "over"),
        ("See https://x.org/page now", "page"),
        ("Call `run_it` now", "run_it"),
        ("There were twenty birds", "twenty"),
        ("He does not sleep", "not"),
        ("Fields {name: value} apply", "value"),
        ("name: Lee\ngo on", "Lee"),
        ("a | b\ngo on", "b"),
    ],
)
def test_stays(prompt: str, kept: str) -> None:
    assert not any(kept in word for word in free(prompt))


def test_words_that_the_answer_repeats_stay_and_function_words_do_not() -> None:
    assert free("Is the salmon or the dolphin bigger", "The Dolphin is.") >= {"Is", "the", "salmon", "or", "bigger"}
    assert "dolphin" not in free("Is the salmon or the dolphin bigger", "The Dolphin is.")


def test_form_tasks_are_refused_whether_user_or_system_asks() -> None:
    assert isinstance(protect(demo("Count the vowels in it")), Unfit)
