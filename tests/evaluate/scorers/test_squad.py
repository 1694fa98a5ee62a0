from __future__ import annotations

import pytest

from tunesmith.evaluate.scorer import Written
from tunesmith.evaluate.scorers.squad import SquadAnswers
from tunesmith.evaluate.scorers.token_f1 import exact_match, normalised, token_f1


def test_normalisation_of_squad():
    assert normalised("The  Cat's, a hat!") == "cats hat"
    assert exact_match("the Normans", "Normans.") == 1.0


def test_f1_of_two_in_common():
    # 3 words against 2, 2 in common: precision 2/3, recall 1, F1 .8
    assert token_f1("king of France", "of France") == pytest.approx(0.8)
    assert token_f1("", "France") == 0.0
    assert token_f1("", "the") == 1.0


@pytest.mark.parametrize(
    ("said", "answers", "f1", "silent"),
    [
        ("Not in background.", [], 1.0, 1.0),
        ("", [], 1.0, 1.0),
        ("France", [], 0.0, 0.0),
        ("Not in background.", ["France"], 0.0, 1.0),
        ("in France", ["Spain", "France"], 2 / 3, 0.0),
    ],
)
def test_questions_without_an_answer(said, answers, f1, silent):
    values = SquadAnswers().score({"answers": answers}, Written((said,), (True,)))
    assert values["f1"] == pytest.approx([f1])
    assert values["says_no_answer"] == [silent]
