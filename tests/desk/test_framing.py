"""What stands around a request."""

from __future__ import annotations

import random

import pytest

from tunesmith.desk import framing
from tunesmith.desk.wording import Voice
from tunesmith.desk.world import World


@pytest.fixture
def voice() -> Voice:
    return Voice(random.Random(5), "train")


def test_typing_errors_spare_numbers_names_and_short_words(voice: Voice) -> None:
    text = "Ada paid $45 for the lamp on 12 May and was very happy about it"
    for _ in range(50):
        changed = framing.typos(voice.rng, text).split()
        assert changed != text.split() and len(changed) == len(text.split())
        for before, after in zip(text.split(), changed, strict=True):
            assert before == after or (before.islower() and len(before) >= 4)


def test_a_text_without_a_long_word_stays(voice: Voice) -> None:
    assert framing.typos(voice.rng, "it is $45") == "it is $45"


def test_synonyms_replace_whole_words(voice: Voice) -> None:
    assert framing.synonyms(voice, "is there a fee for the shipping of coffee") in (
        "is there a surcharge for the postage of coffee",
        "is there a surcharge for the transport of coffee",
    )


def test_an_instruction_carries_the_pasted_text_unchanged(voice: Voice) -> None:
    for _ in range(50):
        assert "it is $45 {or} a|b" in framing.instruction(voice, World(), "sum this up", "it is $45 {or} a|b")


def test_an_injection_names_what_must_not_be_said(voice: Voice) -> None:
    for _ in range(20):
        command, bad = framing.injection(voice)
        assert bad in command


def test_a_persona_marks_what_it_says(voice: Voice) -> None:
    for who in framing.PERSONAS:
        said = framing.in_persona(voice, who, "It is free.").lower()
        assert "it is free." in said and any(mark in said for mark in who.marks)
