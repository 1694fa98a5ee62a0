"""TRL's prompt-completion form, standard (texts) or conversational (lists of messages)."""

from __future__ import annotations

from tunesmith.core.errors import DataError
from tunesmith.core.records import Demonstration, Message, Record, messages_to_json
from tunesmith.formats.dumped import Dumped, lost_meta
from tunesmith.formats.fields import (
    PROMPT_FIELDS,
    JsonRow,
    Turns,
    conversation,
    extras,
    filled_text,
    first_of,
    prompt_of,
    turns,
)

NAME = "trl-prompt-completion"
_ANSWERS = ("completion", "response", "output", "answer")
# With a prompt of its own, an instruction or a question beside it is meta.
_ASKED = PROMPT_FIELDS - {"instruction", "question"}
_USED = frozenset({"prompt", "system", "system_prompt", "history"})


def sniff(row: JsonRow) -> bool:
    """Say whether the row has a prompt and one answer."""
    return "prompt" in row and any(isinstance(row.get(name), str | list | dict) for name in _ANSWERS)


def parse(row: JsonRow) -> list[Record]:
    """Return the demonstration. A completion of several messages stays several turns.

    Raises:
        DataError: a field is missing or of the wrong type, or the completion does not end with the assistant.
    """
    asked = prompt_of({key: value for key, value in row.items() if key in _ASKED})
    name = first_of(row, _ANSWERS) or "completion"
    value = row.get(name)
    if isinstance(value, dict | list):
        answer = turns(value if isinstance(value, list) else [value], name)
    else:
        answer = Turns((Message("assistant", filled_text(row, name)),), [{}])
    if not answer.messages or answer.messages[-1].role != "assistant":
        raise DataError("must end in an assistant message", where=name)
    before = asked.extras or [{} for _ in asked.messages]
    whole = Turns(asked.messages + answer.messages, before + answer.extras)
    return [conversation(whole, extras(row, _USED | {name}))]


def dump(record: Record) -> Dumped:
    """Return a demonstration in the conversational form; only the last turn is the completion."""
    if not isinstance(record, Demonstration):
        return Dumped([])
    row = {
        "prompt": messages_to_json(record.prompt),
        "completion": [{"role": "assistant", "content": record.completion}],
    }
    return Dumped([row], lost_meta(record))
