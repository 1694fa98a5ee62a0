"""Records as a flat table for CSV and Parquet: plain columns where they suffice, JSON in cells where not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from tunesmith.core.records import Comparison, Demonstration, Document, Prompt, Ranking, Record, to_json
from tunesmith.formats.dumped import split_turns

Table = list[dict[str, str]]


def table(records: Sequence[Record]) -> Table:
    """Return one row of texts per record; every row has the same columns, and nothing is lost.

    Records of one kind with single-turn prompts get the columns `text`, `prompt`, `prompt, completion` or
    `prompt, chosen, rejected` (and `system`); all others the fields of our own records, with lists as JSON.
    """
    plain = [_plain(record) for record in records]
    kinds = {type(record) for record in records}
    if len(kinds) == 1 and all(row is not None for row in plain):
        rows = [row for row in plain if row is not None]
    else:
        rows = [to_json(record) for record in records]
    for row, record in zip(rows, records, strict=True):
        if record.meta:
            row["meta"] = dict(record.meta)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: _cell(row.get(name, "")) for name in columns} for row in rows]


def _plain(record: Record) -> dict[str, Any] | None:
    """Return the record in plain columns, or None where it does not fit."""
    if isinstance(record, Document):
        return {"text": record.text}
    if isinstance(record, Ranking):
        return None
    turns = split_turns(record.prompt if isinstance(record, Demonstration) else record.messages)
    if turns is None or turns.history or _looks_like_json(record):
        return None
    row: dict[str, Any] = {"prompt": turns.prompt}
    if turns.system:
        row["system"] = turns.system
    match record:
        case Demonstration():
            row["completion"] = record.completion
        case Comparison():
            row |= {"chosen": record.chosen, "rejected": record.rejected}
        case Prompt():
            pass
    return row


def _looks_like_json(record: Prompt | Demonstration | Comparison) -> bool:
    """Say whether a text begins like a JSON list or object, which a reader might take for a chat."""
    texts = [message.content for message in record.messages]
    texts += [record.chosen, record.rejected] if isinstance(record, Comparison) else []
    return any(text[:1] in ("[", "{") for text in texts)


def _cell(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
