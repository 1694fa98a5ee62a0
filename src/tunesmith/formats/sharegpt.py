"""ShareGPT: `{"conversations": [{"from": "human", "value": ...}, {"from": "gpt", ...}]}` and its variants."""

from __future__ import annotations

from tunesmith.core.errors import DataError
from tunesmith.core.reading_records import text_field
from tunesmith.core.records import Demonstration, Message, Prompt, Record
from tunesmith.formats.dumped import Dumped, lost_meta
from tunesmith.formats.fields import JsonRow, Turns, conversation, extras, first_of, optional_text, turns

NAME = "sharegpt"
_NAMES = ("conversations", "conversation", "turns")
SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt", "tool": "tool"}


def sniff(row: JsonRow) -> bool:
    """Say whether the row has a list of turns under one of the usual names."""
    value = row.get(first_of(row, _NAMES))
    return isinstance(value, list) and all(isinstance(item, dict | list) for item in value)


def parse(row: JsonRow) -> list[Record]:
    """Return a demonstration, or a prompt if no answer ends the conversation.

    Raises:
        DataError: a turn is wrong.
    """
    name = first_of(row, _NAMES)
    if not name:
        raise DataError("is missing", where="conversations")
    return [conversation(with_system(row, turns(row[name], name)), extras(row, {name, "system"}))]


def with_system(row: JsonRow, chat: Turns) -> Turns:
    """Return the turns with the row's `system` text in front, where it has one.

    Raises:
        DataError: `system` is not text.
    """
    if not optional_text(row, "system").strip():
        return chat
    return Turns((Message("system", text_field(row, "system")), *chat.messages), [{}, *chat.extras])


def dump(record: Record) -> Dumped:
    """Return the conversation of a prompt or demonstration."""
    if not isinstance(record, Prompt | Demonstration):
        return Dumped([])
    items = [{"from": SPEAKERS[m.role], "value": m.content} for m in record.messages]
    return Dumped([{"conversations": items}], lost_meta(record))
