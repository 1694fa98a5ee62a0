"""TRL's language-modelling form: one document per row, `{"text": ...}`."""

from __future__ import annotations

from tunesmith.core.records import Document, Record
from tunesmith.formats.dumped import Dumped, lost_meta
from tunesmith.formats.fields import JsonRow, extras, filled_text

NAME = "trl-text"


def sniff(row: JsonRow) -> bool:
    """Say whether the row has a text."""
    return isinstance(row.get("text"), str)


def parse(row: JsonRow) -> list[Record]:
    """Return the document.

    Raises:
        DataError: the text is missing or not text.
    """
    return [Document(text=filled_text(row, "text"), meta=extras(row, {"text"}))]


def dump(record: Record) -> Dumped:
    """Return a document."""
    if not isinstance(record, Document):
        return Dumped([])
    return Dumped([{"text": record.text}], lost_meta(record))
