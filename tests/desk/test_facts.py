"""Facts in text, and what counts as asserting a phrase."""

from __future__ import annotations

import pytest

from tunesmith.desk.facts import asserts, content_words, fact_tokens, normalise


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It costs $45 and is blue.", {"45", "blue"}),
        ("within thirty days", {"30"}),
        ("three ideas, one day", set()),  # a spelled-out number is a fact only before a unit
        ("Ada Reed moved to Leeds on Friday in March.", {"Ada", "Leeds", "Friday"}),
        ("the reading lamp may work", set()),
    ],
)
def test_fact_tokens(text: str, found: set[str]) -> None:
    assert fact_tokens(text) == found


@pytest.mark.parametrize(
    ("text", "phrase", "stated"),
    [
        ("Returns are open for 30 days.", "30 days", True),
        ("It is not 30 days.", "30 days", False),
        ("It's not 14 days but 30 days.", "30 days", True),
        ("Not 14 days: it is 30 days.", "14 days", False),
        ("It isn't red, it is blue.", "blue", True),
        ("It is blue rather than red.", "red", False),
        ("130 days", "30 days", False),
        ("No, it is free.", "free", True),
        ("We’re closed – not open.", "closed", True),
        ("It is $45.", "45", True),
        ("You get 5%.", "5%", True),
    ],
)
def test_a_negated_phrase_is_not_asserted(text: str, phrase: str, stated: bool) -> None:
    assert asserts(normalise(text), phrase) is stated


def test_content_words_leave_small_words_out() -> None:
    assert content_words("Please send this parcel with the blue van") == ["blue", "parcel", "send"]
