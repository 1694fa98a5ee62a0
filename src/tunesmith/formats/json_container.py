"""Rows out of JSON: one value per line, or one array (or a run of objects) over many lines."""

from __future__ import annotations

import codecs
import io
import re
import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from tunesmith.core.errors import DataError
from tunesmith.formats.byte_source import Line
from tunesmith.formats.rows import ROW_LIMIT_BYTES, AnyRow, BadRow, RowStream, row_of

# Held twice for a moment: while the pieces are joined.
ARRAY_LIMIT_BYTES = 2**29
# JSON has no raw line end inside a text, so a text that is never closed spoils only its own line (the lone quote here).
_TOKEN = re.compile(rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|["\[\]{},]')
_BLANK = b" \t\r\n"


def json_lines(source: Iterator[Line]) -> RowStream:
    """Yield one row per line; blank lines are no rows."""
    for line in source:
        yield from rows_of_line(line)


def rows_of_line(line: Line) -> RowStream:
    """Yield the row of one line of JSON, or why it is none; nothing where the line is blank."""
    # A UTF-16 row in a UTF-8 file ends in "\n\0"; that zero byte must not spoil the row after it.
    data = line.data.removeprefix(b"\x00").removeprefix(codecs.BOM_UTF8)
    if line.problem:
        yield BadRow(line.number, "", line.problem, line.data)
    elif data.strip():
        yield decoded(line.number, data)


def decoded(line: int, data: bytes) -> AnyRow:
    """Return the row that a JSON text holds, or why it holds none."""
    if len(data) > ROW_LIMIT_BYTES:
        return BadRow(
            line, "", f"is {len(data):,} bytes long; the limit for one row is {ROW_LIMIT_BYTES:,}", data[:2000]
        )
    try:
        return row_of(line, orjson.loads(data), data)
    except orjson.JSONDecodeError as error:
        if b"\x00" in data:
            return BadRow(line, "", "holds zero bytes (a row in UTF-16, or damage)", data)
        return BadRow(line, "", f"is not valid JSON: {error.msg} at character {error.pos + 1} of the row", data)


def json_array(stream: io.BufferedReader[Any], where: str) -> RowStream:
    """Yield the elements of a JSON array, or the objects of a file that holds objects over several lines each.

    One damaged element does not lose the others. The file is held in memory while it is read.

    Raises:
        DataError: the file is over the limit for arrays.
    """
    broken = ""
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := stream.read(2**20):
            pieces.append(piece)
            size += len(piece)
            if size > ARRAY_LIMIT_BYTES:
                raise DataError(
                    f"holds over {ARRAY_LIMIT_BYTES:,} bytes in one JSON array",
                    where=where,
                    remedy="write it as JSON lines (one object per line), which are read piece by piece",
                )
    except (EOFError, zlib.error, OSError) as error:
        broken = f"the compressed file is damaged from here on: {error}"
    data = b"".join(pieces)
    yield from _elements(data)
    if broken:
        yield BadRow(data.count(b"\n") + 1, "", broken)


def _elements(data: bytes) -> RowStream:
    start = len(data) - len(data.lstrip(_BLANK))
    is_array = data[start : start + 1] == b"["
    start += is_array
    depth = 0
    line, counted = 1, 0
    for token in _TOKEN.finditer(data, start):
        symbol = data[token.start()]
        end = -1
        if symbol in b"[{":
            depth += 1
        elif symbol in b"]}":
            depth -= 1
            if depth < 0 or (depth == 0 and not is_array):
                end = token.start() if depth < 0 else token.end()
        elif symbol == 0x2C and depth == 0:
            end = token.start()
        if end < 0:
            continue
        text = data[start:end]
        skipped = len(text) - len(text.lstrip(_BLANK + b","))
        line += data.count(b"\n", counted, start + skipped)
        counted = start + skipped
        if text := text.strip(_BLANK + b","):
            yield decoded(line, text)
        start = token.end()
        if depth < 0 and is_array:
            break
        depth = max(depth, 0)
    yield from _rest(data, start, depth, is_array)


def _rest(data: bytes, start: int, depth: int, is_array: bool) -> RowStream:
    """Yield what is left after the last complete element: nothing, or the evidence of a truncated file."""
    rest = data[start:].strip(_BLANK)
    line = data.count(b"\n", 0, len(data) - len(data[start:].lstrip(_BLANK))) + 1
    if rest:
        why = "stands behind the end of the array" if depth < 0 else "is cut off before its end"
        yield BadRow(line, "", f"{why} ({len(rest):,} bytes unread)", rest[:2000])
    elif is_array and depth >= 0:
        yield BadRow(line, "", "the array is not closed; the file may be cut off")
