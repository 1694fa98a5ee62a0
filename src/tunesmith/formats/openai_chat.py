"""OpenAI's chat format for fine-tuning, also TRL's conversational form: `{"messages": [{"role", "content"}]}`."""

from __future__ import annotations

from tunesmith.core.records import Demonstration, Prompt, Record, messages_to_json
from tunesmith.formats.dumped import Dumped, lost_meta
from tunesmith.formats.fields import JsonRow, conversation, extras, turns

NAME = "openai-chat"


def sniff(row: JsonRow) -> bool:
    """Say whether the row is a chat."""
    return isinstance(row.get("messages"), list)


def parse(row: JsonRow) -> list[Record]:
    """Return a demonstration, or a prompt if no answer ends the chat.

    Raises:
        DataError: a turn is wrong.
    """
    return [conversation(turns(row.get("messages"), "messages"), extras(row, {"messages"}))]


def dump(record: Record) -> Dumped:
    """Return the chat of a prompt or demonstration."""
    if not isinstance(record, Prompt | Demonstration):
        return Dumped([])
    return Dumped([{"messages": messages_to_json(record.messages)}], lost_meta(record))
