"""Ranking records: K completions of one prompt with each labeler's order, where an inner list is a tie."""

from __future__ import annotations

from tunesmith.core.reading_records import messages_from_json, ranking_from_json
from tunesmith.core.records import Ranking, Record, to_json
from tunesmith.formats.convert import as_kind
from tunesmith.formats.dumped import Dumped
from tunesmith.formats.fields import JsonRow, extras

NAME = "ranking"
_FIELDS = frozenset({"messages", "completions", "rankings", "kind"})


def sniff(row: JsonRow) -> bool:
    """Say whether the row has the three lists of a ranking record."""
    return "kind" not in row and all(
        isinstance(row.get(name), list) for name in ("messages", "completions", "rankings")
    )


def parse(row: JsonRow) -> list[Record]:
    """Return the ranking; fields outside the record become meta.

    Raises:
        DataError: a field is missing or wrong.
    """
    messages = messages_from_json(row.get("messages"))
    return [ranking_from_json(row, messages, extras(row, _FIELDS))]


def dump(record: Record) -> Dumped:
    """Return a ranking or comparison as a ranking record; `meta` stays."""
    rankings = [r for r in as_kind(record, "ranking") if isinstance(r, Ranking)]
    rows = [{key: value for key, value in to_json(r).items() if key != "kind"} for r in rankings]
    return Dumped(rows)
