"""What an import gives back: the records, and every row that could not become one."""

from __future__ import annotations

from typing import NamedTuple

from tunesmith.core.records import Record

RAW_CHARACTERS = 500


class Quarantined(NamedTuple):
    """A row that was set aside. `line` counts from 1 (in Parquet: the row number); `raw` is the row's beginning."""

    file: str
    line: int
    field: str
    reason: str
    raw: str


class Imported(NamedTuple):
    """The records of one file in file order, the format's name, what was set aside, and remarks for a person."""

    format: str
    records: list[Record]
    quarantined: list[Quarantined]
    notes: list[str]
