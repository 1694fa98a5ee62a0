from __future__ import annotations

import random
from typing import Any

import pytest

from tests.checks.dividing import asked, result, rows_of, same_however_divided
from tunesmith.checks.one_task import OneTask, form_of
from tunesmith.core.records import Demonstration

COLOURS = {"red": "tomato cherry brick rose", "green": "leaf grass lime moss", "blue": "sea sky jeans ink"}


def colours(n: int, *, shuffled: bool) -> list[Demonstration]:
    rng = random.Random(0)
    labels = [rng.choice(list(COLOURS)) for _ in range(n)]
    questions = [f"which one? {' '.join(rng.sample(COLOURS[label].split(), 3))}" for label in labels]
    if shuffled:
        rng.shuffle(labels)
    return [asked(question, label) for question, label in zip(questions, labels, strict=True)]


def numbers(records: list[Demonstration]) -> dict[str, Any]:
    return dict(result(OneTask(), rows_of(records)).numbers)


def test_labels_that_repeat_no_word_are_still_linked() -> None:
    found = numbers(colours(200, shuffled=False))
    assert found["verdict"] == "one"
    assert found["mapping_link"]["p_value"] == 0.001
    assert found["mapping_link"]["low"] > 0.5
    assert found["copy_link"]["p_value"] > 0.05, "no answer repeats its question"


def test_shuffled_answers_are_not_linked_and_the_advice_says_so() -> None:
    outcome = result(OneTask(), rows_of(colours(200, shuffled=True)))
    for link in ("copy_link", "mapping_link"):
        assert outcome.numbers[link]["p_value"] > 0.01
    assert outcome.numbers["mapping_link"]["low"] < 0 < outcome.numbers["mapping_link"]["high"]
    assert any("no link" in line for line in outcome.advice)


def test_answers_that_copy_are_linked() -> None:
    rng = random.Random(1)
    words = [f"word{i}" for i in range(300)]
    records = [asked(" ".join(text), " ".join(text[2:5])) for text in (rng.choices(words, k=12) for _ in range(200))]
    link = numbers(records)["copy_link"]
    assert link["p_value"] == 0.001 and link["low"] > 0.2


def test_several_mappings() -> None:
    rng = random.Random(2)
    records = []
    for i in range(120):
        records.append(asked(f"Convert to JSON: item {i}", f'{{"item": {i}}}'))
        records.append(asked(f"Write a poem about number {i}.", f"Oh number {i}, how fine you are. I sing of you."))
        records.append(asked(f"Classify the sentiment of review {i}.", rng.choice(["positive", "negative"])))
    found = numbers(records)
    assert found["verdict"] == "several"
    assert found["tasks"] == pytest.approx(3, rel=0.02)
    assert found["forms"] == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize(
    ("answer", "form"),
    [
        ('{"a": 1}', "json"),
        ("42.5 %", "number"),
        ("```\nx = 1\n```", "code"),
        ("- one\n- two", "list"),
        ("very positive", "label"),
        ("It is late.", "prose"),
    ],
)
def test_forms(answer: str, form: str) -> None:
    assert form_of(answer) == form


def test_however_the_rows_are_divided() -> None:
    same_however_divided(OneTask(), rows_of(colours(130, shuffled=False)))
    assert "verdict" not in result(OneTask(), rows_of(colours(10, shuffled=False))).numbers
