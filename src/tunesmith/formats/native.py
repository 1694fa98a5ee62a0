"""Our own records, one JSON object with its `kind` per row (`core.records.to_json`)."""

from __future__ import annotations

from tunesmith.core.errors import DataError
from tunesmith.core.reading_records import from_json
from tunesmith.core.records import KINDS, Record, to_json
from tunesmith.formats import ranking
from tunesmith.formats.dumped import Dumped
from tunesmith.formats.fields import JsonRow

NAME = "records"


def sniff(row: JsonRow) -> bool:
    """Say whether the row is a record of ours."""
    kind = row.get("kind")
    return isinstance(kind, str) and kind in KINDS and ("messages" in row or "text" in row)


def parse(row: JsonRow) -> list[Record]:
    """Return the record.

    Raises:
        DataError: a field is missing or wrong.
    """
    kind = row.get("kind")
    if not isinstance(kind, str):
        raise DataError("must be text", where="kind")
    if kind == "ranking":
        return ranking.parse(row)
    return [from_json(row)]


def dump(record: Record) -> Dumped:
    """Return the record as it is; nothing is lost."""
    return Dumped([to_json(record)])
