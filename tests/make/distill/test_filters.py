from __future__ import annotations

import pytest

from tunesmith.make.distill.filters import Filters, fault, is_refusal
from tunesmith.make.distill.log import Answer
from tunesmith.make.teacher import Finish


def answer(text: str, finish: Finish = "stop") -> Answer:
    return Answer("k", text, finish, 1, "")


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot assist with this request.",
        "Sorry, I am unable to do that.",
        "Unfortunately, I can’t provide that.",
        "As an AI language model, I don't have access to it.",
        "I won't create that.",
    ],
)
def test_refusals(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "I cannot recommend this book enough.",
        "Sorry for the delay! Your parcel is on its way.",
        "The sorry state I am in",
        "I am sorry to hear that. Please send me the number.",
        "I can help with that.",
        "You can't help it.",
    ],
)
def test_no_refusals(text: str) -> None:
    assert not is_refusal(text)


def test_each_fault_has_its_name_and_its_switch() -> None:
    assert fault(answer(" \n"), Filters()) == "empty"
    assert fault(answer("x", "filtered"), Filters()) == "withheld by the teacher's own filter"
    assert fault(answer("x", "length"), Filters()) == "cut off at max_tokens"
    assert fault(answer("x", "length"), Filters(cut_off=True)) == ""
    assert fault(answer("abc"), Filters(min_characters=4)) == "shorter than 4 characters"
    assert fault(answer("abcde"), Filters(max_characters=4)) == "longer than 4 characters"
    assert fault(answer("I cannot help with that."), Filters()) == "refusal"
    assert fault(answer("I cannot help with that."), Filters(refusals=True)) == ""
