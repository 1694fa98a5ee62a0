from __future__ import annotations

from typing import Any

import pytest

from tunesmith.core.errors import DataError
from tunesmith.core.records import Comparison, Message
from tunesmith.formats import trl_preference

USER = {"role": "user", "content": "q"}


def answer(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


PAIR = Comparison(messages=(Message("user", "q"),), chosen="x", rejected="y")


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": [USER], "chosen": [answer("x")], "rejected": [answer("y")]},
        {"chosen": [USER, answer("x")], "rejected": [USER, answer("y")]},
        {"prompt": "q", "chosen": [USER, answer("x")], "rejected": [USER, answer("y")]},
        {"prompt": "q", "chosen": answer("x"), "rejected": "y"},
        {"instruction": "q", "input": "", "chosen": "x", "rejected": "y"},
        {"instruction": "q", "chosen_response": "x", "rejected_response": "y"},
    ],
)
def test_all_spellings_of_one_pair(row: dict[str, Any]) -> None:
    assert trl_preference.parse(row) == [PAIR]


def test_an_implicit_prompt_is_the_common_beginning_and_cuts_no_word() -> None:
    (pair,) = trl_preference.parse({"chosen": "The sky is blue.", "rejected": "The sky is black."})
    assert isinstance(pair, Comparison)
    assert (pair.messages[0].content, pair.chosen, pair.rejected) == ("The sky is", " blue.", " black.")


@pytest.mark.parametrize(
    ("row", "where", "reason"),
    [
        ({"chosen": "abc", "rejected": "xyz"}, "prompt", "no common beginning"),
        ({"chosen": [USER, answer("x")], "rejected": [answer("z"), answer("y")]}, "chosen", "same prompt"),
        ({"prompt": "q", "chosen": True, "rejected": "y"}, "chosen", "not bool"),
        ({"prompt": "q", "chosen": "x"}, "rejected", "missing"),
    ],
)
def test_rows_that_are_no_pair(row: dict[str, Any], where: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        trl_preference.parse(row)
    assert caught.value.where == where
