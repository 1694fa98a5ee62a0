"""Rewards that are computed from the text."""

from __future__ import annotations

import pytest

from tunesmith.algorithms.scorers import SCORERS
from tunesmith.core.records import Message, Prompt

ASKED = (Message("user", "How much?"),)
WITH, WITHOUT = Prompt(messages=ASKED, meta={"answer": " 20 Dollars "}), Prompt(messages=ASKED)


@pytest.mark.parametrize(
    ("name", "prompt", "completion", "expected"),
    [
        ("exact_match", WITH, "20 Dollars\n", 1.0),
        ("exact_match", WITH, "20 dollars", 0.0),
        ("exact_match", WITHOUT, "20", None),
        ("contains_answer", WITH, "It is 20 DOLLARS today.", 1.0),
        ("contains_answer", WITH, "It is 200.", 0.0),
        ("contains_answer", WITHOUT, "20", None),
        ("valid_json", WITHOUT, '{"a": [1, 2]}', 1.0),
        ("valid_json", WITHOUT, '{"a": 1} and more', 0.0),
        ("valid_json", WITHOUT, "[" * 100_000, 0.0),
        ("valid_json", WITHOUT, "", 0.0),
        ("brevity", WITHOUT, "", 1.0),
        ("brevity", WITHOUT, "x" * 25, 0.75),
        ("brevity", WITHOUT, "x" * 500, 0.0),
    ],
)
def test_scores(name: str, prompt: Prompt, completion: str, expected: float | None) -> None:
    assert SCORERS[name](prompt, completion) == expected
