"""CSV and TSV: a row becomes `column: value; column: value`, so that a passage says what its numbers are."""

from __future__ import annotations

import io

from tunesmith.context.page import Block
from tunesmith.context.readers.parsed import Parsed, decoded
from tunesmith.formats.byte_source import lines
from tunesmith.formats.csv_container import csv_rows
from tunesmith.formats.rows import BadRow

ROWS_A_BLOCK = 5


def read(data: bytes, *, tabs: bool = False) -> Parsed:
    """Return the rows, five in a block, under `rows FIRST-LAST`.

    Raises:
        DataError: the file has no header, or two columns share a name.
    """
    stream = io.BufferedReader(io.BytesIO(decoded(data).encode()))
    notes: list[str] = []
    texts: list[str] = []
    bad = 0
    for row in csv_rows(lines(stream, keep_ends=True), where="", notes=notes, tabs=tabs):
        if isinstance(row, BadRow):
            bad += 1
        else:
            texts.append("; ".join(f"{name}: {value}" for name, value in row.value.items() if value not in ("", None)))
    if bad:
        notes.append(f"{bad} row(s) that do not fit the header were left out")
    blocks = []
    for begin in range(0, len(texts), ROWS_A_BLOCK):
        part = texts[begin : begin + ROWS_A_BLOCK]
        blocks.append(Block(f"rows {begin + 1}-{begin + len(part)}", "\n".join(part)))
    return Parsed("", blocks, notes)
