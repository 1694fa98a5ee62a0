"""The alternation language."""

from __future__ import annotations

import random

import pytest

from tunesmith.core.errors import DataError
from tunesmith.desk.wording import Voice


def said(text: str, split: str, n: int = 300, **slots: object) -> set[str]:
    voice = Voice(random.Random(0), split)  # type: ignore[arg-type]
    return {voice.say(text, **slots) for _ in range(n)}


def test_alternatives_nest_and_may_be_empty() -> None:
    assert said("{a{1|2}|b|}", "train") == {"a1", "a2", "b", ""}


def test_slots_are_replaced_and_prices_stay() -> None:
    assert said("$p costs $45 or $$v", "train", p="It", v=7) == {"It costs $45 or $7"}


def test_the_last_of_four_alternatives_is_said_in_the_test_split_only() -> None:
    assert said("{a|b|c|d}", "train") == {"a", "b", "c"}
    assert said("{a|b|c|d}", "test") == {"a", "b", "c", "d"}
    assert said("{a|b|c}", "train") == {"a", "b", "c"}


def test_a_sentence_begins_with_a_capital_and_ends_once() -> None:
    voice = Voice(random.Random(0), "train")
    assert voice.sentence("hello  there") == "Hello there."
    assert voice.sentence("is it you", "?") == "Is it you?"
    assert voice.sentence("stop!") == "Stop!"


@pytest.mark.parametrize("text", ["{a|b", "a}b", "{a{b}"])
def test_braces_that_do_not_match_are_an_error(text: str) -> None:
    with pytest.raises(DataError):
        Voice(random.Random(0), "train").say(text)
