from __future__ import annotations

from collections.abc import Callable

import pytest

from tunesmith.make.rouge import rouge_l, tokens
from tunesmith.make.synthesize.self_instruct import (
    NOVELTY,
    demonstration_of,
    objection,
    own_seeds,
    seeds_of,
    self_instruct,
    suggestions,
)

from ..rows import demo

IDEAS = [
    "Write a limerick about a kettle that sings.",
    "Write a limerick about a kettle that sings well.",  # too close to the first
    "Draw a picture of a quiet harbour at dawn.",  # needs more than text
    "Sort the complaint by its department.",
    "Do it.",  # too short
    "List five uses for an old umbrella in the garden.",
]


def teacher(log: list[str]) -> Callable[[str], str]:
    def say(text: str) -> str:
        log.append(text)
        if "eight more" in text:
            return "\n".join(f"{n}. {idea}" for n, idea in enumerate(IDEAS, 1))
        if "classification task" in text:
            return "Yes." if "Sort" in text else "No, it is not."
        if "Label:" in text:
            return "Label: billing\nInput: I was charged twice."
        return "Nothing to see" if "umbrella" in text else "Input: \nOutput: A kettle once sang in the night."

    return say


def test_what_is_kept_and_why_the_rest_is_not() -> None:
    asked: list[str] = []
    made = self_instruct(teacher(asked), own_seeds(), wanted=5, most_rounds=2, seed=0)
    assert [(t.instruction, t.input, t.output, t.is_classification) for t in made.tasks] == [
        (IDEAS[0], "", "A kettle once sang in the night.", False),
        (IDEAS[3], "I was charged twice.", "billing", True),
    ]
    assert made.rounds == 2 and made.left_out["needs more than text"] == 2
    assert made.left_out["ROUGE-L of 0.7 or more with another instruction"] == 4
    assert made.left_out["no instance in the form asked for"] == 2
    # Classifications are asked for their label first, the others for their input first.
    assert [("Label" in text) for text in asked if "exactly this form" in text][:2] == [False, True]


def test_no_two_instructions_are_alike() -> None:
    pool = [tokens(task.instruction) for task in own_seeds()]
    assert len(pool) >= 20
    assert all(rouge_l(a, b) < NOVELTY for i, a in enumerate(pool) for b in pool[:i])


def test_the_same_seed_asks_the_same_things() -> None:
    first: list[str] = []
    second: list[str] = []
    for log in (first, second):
        self_instruct(teacher(log), own_seeds(), wanted=2, most_rounds=3, seed=4)
    other: list[str] = []
    self_instruct(teacher(other), own_seeds(), wanted=2, most_rounds=3, seed=5)
    assert first == second != other


@pytest.mark.parametrize(
    ("said", "items"), [("1. One\n2) Two\n- Three\n* Four", ["One", "Two", "Three", "Four"]), ("no list here", [])]
)
def test_lists(said: str, items: list[str]) -> None:
    assert suggestions(said) == items


def test_objections() -> None:
    assert objection("#1 do all the work please", []) and objection("напиши стихи про осень пожалуйста сейчас", [])
    assert objection("Write a poem about the sea", []) == ""


def test_demonstrations_as_seeds_and_back() -> None:
    record = demo("Name the season.\n\nsnow", "Winter", is_classification=True)
    [task] = seeds_of([record])
    assert task == ("Name the season.", "snow", "Winter", True)
    assert demonstration_of(task, {"method": "x"}).messages == record.messages
