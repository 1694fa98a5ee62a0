"""Rows out of CSV: one object per record, keyed by the column names in lower case.

The standard library's reader works record by record, which the column-wise readers do not: one unclosed quote or one
record with a cell too many costs that record only, and each record keeps its line number.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from tunesmith.core.errors import DataError
from tunesmith.formats.byte_source import Line
from tunesmith.formats.cells import NESTED, cell_value
from tunesmith.formats.rows import ROW_LIMIT_BYTES, AnyRow, BadRow, Row, RowStream


class _Feed:
    """The physical lines of one record after another; the lines of a damaged record can be given back."""

    def __init__(self, source: Iterator[Line]) -> None:
        self._source = source
        self._back: deque[Line] = deque()
        self._size = 0
        self.taken: list[Line] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._source)
        self.taken.append(line)
        self._size += len(line.data)
        if line.problem:
            raise csv.Error(line.problem)
        if self._size > ROW_LIMIT_BYTES:
            raise csv.Error(f"the record is over {ROW_LIMIT_BYTES:,} bytes long")
        return line.data.decode("utf-8", "surrogateescape")

    def next_record(self) -> None:
        self.taken, self._size = [], 0

    def give_back(self, keep: int = 1) -> None:
        """Return all but the first line of the record, so that the good records behind an unclosed quote are read."""
        self._back.extendleft(reversed(self.taken[keep:]))
        del self.taken[keep:]
        self._size = 0

    def raw(self) -> bytes:
        return b"".join(line.data for line in self.taken[:50])[:2000]


def csv_rows(source: Iterator[Line], *, where: str, notes: list[str], tabs: bool = False) -> RowStream:
    """Yield one row per record of lines that kept their ends; remarks on the header go to `notes`.

    Raises:
        DataError: there is no header, or two columns share a name.
    """
    feed = _Feed(source)
    # The limit on a cell is the module's only setting and the default is 128 KiB; ours holds while the file is read.
    before = csv.field_size_limit(ROW_LIMIT_BYTES)
    try:
        header, delimiter = _header(feed, where, tabs, notes)
        reader = csv.reader(feed, delimiter=delimiter, strict=True)
        while True:
            feed.next_record()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                feed.give_back()
                reader = csv.reader(feed, delimiter=delimiter, strict=True)
                yield BadRow(feed.taken[0].number, "", f"is not a valid CSV record: {error}", feed.raw())
                continue
            if cells:
                yield _record(header, cells, feed)
    finally:
        csv.field_size_limit(before)


def _header(feed: _Feed, where: str, tabs: bool, notes: list[str]) -> tuple[list[str], str]:
    cells: list[str] = []
    delimiter = "\t" if tabs else ","
    try:
        first = next(feed)
        if not tabs:
            bare = re.sub(r'"[^"]*"', "", first)
            delimiter = max(",;\t|", key=bare.count)
        feed.give_back(keep=0)
        cells = next(csv.reader(feed, delimiter=delimiter, strict=True))
    except (StopIteration, csv.Error) as error:
        raise DataError("has no header line", where=where, why=str(error)) from error
    # Names end up in messages and meta, so they must be proper text whatever the header's bytes were.
    texts = [cell.encode("utf-8", "replace").decode() for cell in cells]
    names = [re.sub(r"[\s\-]+", "_", text.strip().lower()) for text in texts]
    if names and not names[0]:
        notes.append("the first column has no name (an index) and is left out")
    named = [name for name in names if name]
    if len(set(named)) != len(named):
        double = next(name for name in named if named.count(name) > 1)
        raise DataError("two columns share a name", where=f"{where}:1:{double}", remedy="rename one of them")
    return names, delimiter


def _record(header: list[str], cells: list[str], feed: _Feed) -> AnyRow:
    line = feed.taken[0].number
    if len(cells) != len(header):
        reason = f"has {len(cells)} cells where the header has {len(header)}"
        return BadRow(line, "", reason, feed.raw())
    row: dict[str, Any] = {}
    for index, (name, cell) in enumerate(zip(header, cells, strict=True)):
        if not name and index == 0:
            continue
        name = name or f"column_{index + 1}"
        if not cell.isascii() and any("\ud800" <= c <= "\udfff" for c in cell):
            return BadRow(line, name, "is not valid UTF-8", feed.raw())
        if cell or name not in NESTED:
            row[name] = cell_value(name, cell)
    return Row(line, row, feed.raw())
