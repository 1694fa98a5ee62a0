from __future__ import annotations

from typing import Any

import pytest

from tunesmith.core.errors import DataError
from tunesmith.label.answers import contradictions, read_answer

SHOWN = ("m2", "m0", "m1")  # A, B, C
GOOD: dict[str, Any] = {"order": [["A"], ["B", "C"]], "ratings": {"A": 6, "B": 3, "C": 3}, "flags": {"C": ["toxic"]}}


def test_letters_become_ids() -> None:
    payload = read_answer("rank", GOOD, SHOWN)
    assert payload["order"] == [["m2"], ["m0", "m1"]]
    assert payload["ratings"] == {"m2": 6, "m0": 3, "m1": 3} and payload["flags"] == {"m1": ["toxic"]}
    assert payload["contradictions"] == [] and payload["none_acceptable"] is False


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"order": [["A"], ["B"]]}, "order"),
        ({"order": [["A"], ["B"], ["C"], ["A"]]}, "order"),
        ({"order": [["A", "B", "C"], []]}, "order"),
        ({"order": [["A"], ["B"], ["D"]]}, "order"),
        ({"ratings": {"A": 6, "B": 3}}, "ratings"),
        ({"ratings": {"A": 8, "B": 3, "C": 3}}, "ratings.A"),
        ({"ratings": {"A": "6", "B": 3, "C": 3}}, "ratings.A"),
        ({"flags": {"C": ["no such flag"]}}, "flags.C"),
        ({"more": 1}, "more"),
        ({"note": "x" * 2001}, "note"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], where: str) -> None:
    with pytest.raises(DataError) as error:
        read_answer("rank", GOOD | change, SHOWN)
    assert error.value.where == where


def test_a_contradiction_needs_the_labelers_word_and_is_stored() -> None:
    answer = GOOD | {"order": [["B"], ["A"], ["C"]]}
    with pytest.raises(DataError, match="contradicts"):
        read_answer("rank", answer, SHOWN)
    assert read_answer("rank", answer | {"sure": True}, SHOWN)["contradictions"] == [["m0", "m2"]]


def test_contradictions_by_hand() -> None:
    ratings = {"a": 5, "b": 5, "c": 2}
    assert contradictions([["a"], ["b"], ["c"]], ratings) == []
    assert contradictions([["b"], ["a"], ["c"]], ratings) == []
    assert contradictions([["a", "b", "c"]], ratings) == [("c", "a"), ("c", "b")]
    assert contradictions([["c"], ["a", "b"]], ratings) == [("c", "a"), ("c", "b")]


@pytest.mark.parametrize(
    ("choice", "order", "bad"),
    [
        ("A", [["m2"], ["m0"]], False),
        ("B", [["m0"], ["m2"]], False),
        ("tie", [["m2", "m0"]], False),
        ("both_bad", [["m2", "m0"]], True),
    ],
)
def test_pairs(choice: str, order: list[list[str]], bad: bool) -> None:
    payload = read_answer("pair", {"choice": choice}, SHOWN[:2])
    assert (payload["order"], payload["none_acceptable"]) == (order, bad)


def test_texts() -> None:
    assert read_answer("write", {"text": " Hello\n"}, ()) == {"text": "Hello"}
    for text in ("", "  \n", "x" * 100_001, "\ud800"):
        with pytest.raises(DataError):
            read_answer("edit", {"text": text}, ())
