"""Alpaca: `instruction`, optional `input`, `output`; with LLaMA-Factory's `system` and `history`, and Dolly's names."""

from __future__ import annotations

from typing import Any

from tunesmith.core.errors import DataError
from tunesmith.core.records import Demonstration, Message, Record
from tunesmith.formats.dumped import Dumped, lost_meta, split_turns
from tunesmith.formats.fields import PROMPT_FIELDS, JsonRow, extras, filled_text, first_of, prompt_of

NAME = "alpaca"
_ANSWERS = ("output", "response", "completion", "answer")
_USED = PROMPT_FIELDS - {"prompt", "question"} | set(_ANSWERS)


def sniff(row: JsonRow) -> bool:
    """Say whether the row has an instruction and an answer."""
    return "instruction" in row and any(name in row for name in _ANSWERS)


def parse(row: JsonRow) -> list[Record]:
    """Return the demonstration; the prompt is the instruction, a blank line and the input.

    Raises:
        DataError: a field is missing or not text.
    """
    fields = {key: value for key, value in row.items() if key not in ("prompt", "question")}
    if fields.get("instruction") is None:
        raise DataError("is missing", where="instruction")
    messages, _ = prompt_of(fields)
    name = first_of(row, _ANSWERS)
    answer = filled_text(row, name or "output")
    used = _USED - {other for other in _ANSWERS if other != name}
    return [Demonstration(messages=(*messages, Message("assistant", answer)), meta=extras(row, used))]


def dump(record: Record) -> Dumped:
    """Return a demonstration whose turns alternate; earlier turns go to `history`."""
    turns = split_turns(record.prompt) if isinstance(record, Demonstration) else None
    if turns is None or not isinstance(record, Demonstration):
        return Dumped([])
    row: dict[str, Any] = {"instruction": turns.prompt, "input": "", "output": record.completion}
    if turns.system:
        row["system"] = turns.system
    if turns.history:
        row["history"] = turns.history
    return Dumped([row], lost_meta(record))
