"""Question and answer columns (GSM8K, MedQuAD, TruthfulQA and many tables)."""

from __future__ import annotations

from tunesmith.core.records import Demonstration, Message, Record
from tunesmith.formats.fields import JsonRow, extras, filled_text, first_of

NAME = "question-answer"
_ANSWERS = ("answer", "best_answer", "response", "output", "completion")


def sniff(row: JsonRow) -> bool:
    """Say whether the row has a question and an answer."""
    return isinstance(row.get("question"), str) and isinstance(row.get(first_of(row, _ANSWERS)), str)


def parse(row: JsonRow) -> list[Record]:
    """Return the demonstration.

    Raises:
        DataError: a field is missing or not text.
    """
    name = first_of(row, _ANSWERS) or "answer"
    messages = (Message("user", filled_text(row, "question")), Message("assistant", filled_text(row, name)))
    return [Demonstration(messages=messages, meta=extras(row, {"question", name}))]
