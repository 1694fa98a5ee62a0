"""What one cell of a table holds: text, or a list or object written as JSON."""

from __future__ import annotations

import orjson

# Columns that hold lists or objects, written as JSON in their cells.
NESTED = frozenset(
    {"messages", "conversations", "completions", "generations", "rankings", "ratings", "history", "meta", "instances"}
)
_MAYBE_CHAT = frozenset({"prompt", "completion", "chosen", "rejected"})


def cell_value(name: str, cell: str) -> object:
    """Return the cell's value: JSON in a nested column and a chat in a prompt or answer column are decoded."""
    if cell[:1] not in ("[", "{") or (name not in NESTED and name not in _MAYBE_CHAT):
        return cell
    try:
        value = orjson.loads(cell)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return cell
    return value if name in NESTED or _is_chat(value) else cell


def _is_chat(value: object) -> bool:
    """Say whether JSON found in an ordinary text column is a chat, not a text that happens to be JSON."""
    turns = value if isinstance(value, list) else [value]
    return bool(turns) and all(isinstance(turn, dict) and {"role", "content"} <= turn.keys() for turn in turns)
