"""OpenAI's preference format: `{"input": {"messages"}, "preferred_output": [...], "non_preferred_output": [...]}`."""

from __future__ import annotations

from tunesmith.core.errors import DataError
from tunesmith.core.records import Comparison, Record, messages_to_json
from tunesmith.formats.dumped import Dumped, lost_meta, pairs_of
from tunesmith.formats.fields import JsonRow, answer_of, extras, turns

NAME = "openai-preference"
_FIELDS = frozenset({"input", "preferred_output", "non_preferred_output"})


def sniff(row: JsonRow) -> bool:
    """Say whether the row has a preferred output."""
    return isinstance(row.get("input"), dict) and "preferred_output" in row


def parse(row: JsonRow) -> list[Record]:
    """Return the comparison; tools and other settings of `input` go to meta.

    Raises:
        DataError: a turn is wrong, or an output is not one assistant message.
    """
    given = row.get("input")
    if not isinstance(given, dict):
        raise DataError("must be an object with messages", where="input")
    chat = turns(given.get("messages"), "input.messages")
    settings = {key: value for key, value in given.items() if key != "messages" and value not in ([], None)}
    meta = extras(row, _FIELDS) | ({"input": settings} if settings else {})
    return [
        Comparison(
            messages=chat.messages,
            chosen=answer_of(row.get("preferred_output"), "preferred_output"),
            rejected=answer_of(row.get("non_preferred_output"), "non_preferred_output"),
            meta=chat.meta(meta),
        )
    ]


def dump(record: Record) -> Dumped:
    """Return a comparison, or all comparisons of a ranking."""
    pairs, lost = pairs_of(record)
    rows = [
        {
            "input": {"messages": messages_to_json(pair.messages)},
            "preferred_output": [{"role": "assistant", "content": pair.chosen}],
            "non_preferred_output": [{"role": "assistant", "content": pair.rejected}],
        }
        for pair in pairs
    ]
    return Dumped(rows, lost + (lost_meta(record) if rows else ()))
