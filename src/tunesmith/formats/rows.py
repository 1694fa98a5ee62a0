"""One row of a file before anybody knows its format: a JSON value with its line, or the reason why it is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

ROW_LIMIT_BYTES = 8 * 2**20


class Row(NamedTuple):
    """A readable row. `line` counts from 1; `raw` holds the row's bytes where the container has them."""

    line: int
    value: Mapping[str, Any]
    raw: bytes = b""


class BadRow(NamedTuple):
    """A row that is not even a row."""

    line: int
    field: str
    reason: str
    raw: bytes = b""


AnyRow = Row | BadRow
RowStream = Iterator[AnyRow]


def row_of(line: int, value: object, raw: bytes) -> AnyRow:
    """Return a row for a decoded value; a bare text is a prompt, anything but an object is bad."""
    if isinstance(value, dict):
        return Row(line, value, raw)
    if isinstance(value, str):
        return Row(line, {"prompt": value}, raw)
    return BadRow(line, "", f"a row must be an object, not {type(value).__name__}", raw)
