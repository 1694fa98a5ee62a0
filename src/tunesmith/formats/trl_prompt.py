"""TRL's prompt-only form: `{"prompt": text or messages}`; in JSON lines also a bare text per line."""

from __future__ import annotations

from tunesmith.core.errors import DataError
from tunesmith.core.records import Prompt, Record, messages_to_json
from tunesmith.formats.dumped import Dumped, lost_meta
from tunesmith.formats.fields import JsonRow, extras, prompt_of

NAME = "trl-prompt-only"
_USED = frozenset({"prompt", "system", "system_prompt"})


def sniff(row: JsonRow) -> bool:
    """Say whether the row has a prompt."""
    return isinstance(row.get("prompt"), str | list)


def parse(row: JsonRow) -> list[Record]:
    """Return the prompt.

    Raises:
        DataError: the prompt is missing, of the wrong type, or already answered.
    """
    if "prompt" not in row:
        raise DataError("is missing", where="prompt")
    asked = prompt_of({key: value for key, value in row.items() if key in _USED})
    return [Prompt(messages=asked.messages, meta=asked.meta(extras(row, _USED)))]


def dump(record: Record) -> Dumped:
    """Return a prompt in the conversational form."""
    if not isinstance(record, Prompt):
        return Dumped([])
    return Dumped([{"prompt": messages_to_json(record.messages)}], lost_meta(record))
