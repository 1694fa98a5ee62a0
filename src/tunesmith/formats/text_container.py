"""Rows out of plain text: one document per block."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tunesmith.formats.byte_source import Line
from tunesmith.formats.rows import AnyRow, BadRow, Row, RowStream

END_OF_TEXT = "<|endoftext|>"
DOCUMENT_LIMIT_BYTES = 2**20
_LOOKAHEAD_LINES = 20_000


def text_rows(source: Iterator[Line], notes: list[str]) -> RowStream:
    """Yield one row (`text`) per document; which separator was found goes to `notes`.

    Documents end at `<|endoftext|>` if it occurs near the beginning, else at blank lines. A document over 1 MiB is
    cut at a line end.
    """
    first = list(itertools.islice(source, _LOOKAHEAD_LINES))
    marked = any(END_OF_TEXT.encode() in line.data for line in first)
    notes.append(f"documents are separated by {END_OF_TEXT if marked else 'blank lines'}")
    lines = itertools.chain(first, source)
    blocks = _marked(lines) if marked else lines
    held: list[Line] = []
    size = 0
    for line in blocks:
        ends = line.number == 0 if marked else not line.data.strip()
        if line.problem or ends or size > DOCUMENT_LIMIT_BYTES:
            yield from _document(held)
            held, size = [], 0
        if line.problem:
            yield BadRow(line.number, "text", line.problem, line.data)
        elif not ends:
            held.append(line)
            size += len(line.data) + 1
    yield from _document(held)


def _marked(source: Iterator[Line]) -> Iterator[Line]:
    """Yield lines, with line number 0 for each marker."""
    for line in source:
        for index, part in enumerate(line.data.split(END_OF_TEXT.encode())):
            if index:
                yield Line(0, b"")
            if part or not index:
                yield Line(line.number, part, line.problem)


def _document(held: list[Line]) -> Iterator[AnyRow]:
    while held and not held[0].data.strip():
        held.pop(0)
    while held and not held[-1].data.strip():
        held.pop()
    if not held:
        return
    data = b"\n".join(line.data for line in held)
    try:
        yield Row(held[0].number, {"text": data.decode("utf-8")}, data[:2000])
    except UnicodeDecodeError as error:
        line = held[0].number + data.count(b"\n", 0, error.start)
        yield BadRow(line, "text", "is not valid UTF-8", data[:2000])
