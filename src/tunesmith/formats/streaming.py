"""Read a file row by row, or in chunks that another process decodes, so that a million rows never sit in memory.

`read` collects what this module yields: there is one way from a row to its records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import orjson

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import KINDS, Record, kind_of
from tunesmith.formats.byte_source import Line
from tunesmith.formats.check import check
from tunesmith.formats.container import Container, open_rows
from tunesmith.formats.convert import as_kind
from tunesmith.formats.detection import SAMPLE_ROWS, layout_of
from tunesmith.formats.imported import RAW_CHARACTERS, Quarantined
from tunesmith.formats.json_container import rows_of_line
from tunesmith.formats.known import ASSEMBLERS, CONTAINERS, FORMATS, READABLE
from tunesmith.formats.paths import existing_file, nearest
from tunesmith.formats.rows import AnyRow, BadRow, Row

CHUNK_ROWS = 2000
CHUNK_BYTES = 4 * 2**20


class StreamedRow(NamedTuple):
    """What one row gave: its records, what was set aside, and the kinds of records that `kind` left out."""

    line: int
    records: list[Record]
    quarantined: list[Quarantined]
    other_kinds: list[str]


class Chunk(NamedTuple):
    """Consecutive rows of one file, not yet parsed (lines of JSON not even decoded); pickles."""

    file: str
    layout: str
    rows: Sequence[AnyRow | Line]


class Opened(NamedTuple):
    """An open file: its format's name, its rows' layout, the rows, and remarks, which grow while they are read."""

    file: str
    format: str
    layout: str
    rows: Iterator[AnyRow | Line]
    notes: list[str]


def stream(path: Path, *, format: str | None = None, kind: str | None = None) -> Iterator[StreamedRow]:
    """Yield what each row of a file gives, in file order; `format` and `kind` as in `read`.

    Raises:
        ConfigError: no such file, format or kind.
        DataError: the file is empty or damaged, or its format is in doubt.
    """
    check_name("kind", kind, tuple(KINDS))
    with open_stream(path, format=format) as opened:
        yield from parse_rows(opened.file, opened.layout, opened.rows, kind=kind)


@contextmanager
def open_stream(path: Path, *, format: str | None = None) -> Iterator[Opened]:
    """Open a file and find its format out; the rows are read inside the block.

    Raises:
        ConfigError: no such file or format.
        DataError: the file is empty or damaged, or its format is in doubt.
    """
    path = existing_file(path)
    check_name("format", format, READABLE)
    with open_rows(path, container=format if format in CONTAINERS else None) as container:
        yield _opened(container, path, format)


def chunks(opened: Opened) -> Iterator[Chunk]:
    """Yield the rows of an open file in chunks of at most 2,000 rows, fewer where they are long."""
    rows: list[AnyRow | Line] = []
    size = 0
    for row in opened.rows:
        rows.append(row)
        size += len(row.data) if isinstance(row, Line) else len(row.raw)
        if len(rows) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield Chunk(opened.file, opened.layout, rows)
            rows, size = [], 0
    if rows:
        yield Chunk(opened.file, opened.layout, rows)


def parse_rows(
    file: str, layout: str, rows: Iterable[AnyRow | Line], *, kind: str | None = None
) -> Iterator[StreamedRow]:
    """Yield what each row gives; blank lines give nothing."""
    parse = FORMATS[layout].parse
    for row in rows:
        for decoded in rows_of_line(row) if isinstance(row, Line) else (row,):
            yield _streamed(file, decoded, lambda good: parse(good.value), kind)


def check_name(what: str, name: str | None, known: Sequence[str]) -> None:
    """Raise ConfigError, naming the nearest, if `name` is given and is not known."""
    if name is not None and name not in known:
        near = nearest(name, list(known))
        remedy = (f"did you mean {near}? " if near else "") + f"known: {', '.join(known)}"
        raise ConfigError(f"unknown {what} {name!r}", where=what, remedy=remedy)


def _opened(container: Container, path: Path, format: str | None) -> Opened:
    """Decide on the format from the first rows; they stay in front of the others."""
    first = list(islice(container.rows, SAMPLE_ROWS))
    layout = format if format and format in FORMATS else layout_of(first, str(path))
    name = format or (container.name if container.name in CONTAINERS else layout)
    if name != layout:
        container.notes.append(f"the columns are those of {layout}")
    elif container.name != layout:
        container.notes.append(f"held in {container.name}")
    rows: Iterator[AnyRow | Line]
    if layout in ASSEMBLERS:
        rows = ASSEMBLERS[layout](chain(first, container.rows), path)
    else:
        # The decoder takes its lines one by one, so what follows the first rows is still there undecoded.
        rows = chain(first, container.rows if container.lines is None else container.lines)
    return Opened(str(path), name, layout, rows, container.notes)


def _streamed(file: str, row: AnyRow, parse: Callable[[Row], list[Record]], kind: str | None) -> StreamedRow:
    """Parse one row; of several records in it the good ones are kept."""
    result = StreamedRow(row.line, [], [], [])
    if isinstance(row, BadRow):
        result.quarantined.append(Quarantined(file, row.line, row.field, row.reason, _raw(row)))
        return result
    try:
        records = parse(row)
    except DataError as error:
        result.quarantined.append(Quarantined(file, row.line, error.where, error.what, _raw(row)))
        return result
    for record in records:
        try:
            check(record)
        except DataError as error:
            result.quarantined.append(Quarantined(file, row.line, error.where, error.what, _raw(row)))
            continue
        wanted = as_kind(record, kind) if kind else [record]
        result.records.extend(wanted)
        if not wanted:
            result.other_kinds.append(kind_of(record))
    return result


def _raw(row: AnyRow) -> str:
    """Return the beginning of the row as text, whatever it holds."""
    if row.raw:
        return row.raw[: 4 * RAW_CHARACTERS].decode("utf-8", "replace")[:RAW_CHARACTERS]
    if isinstance(row, BadRow):
        return ""
    try:
        return orjson.dumps(row.value, default=str).decode()[:RAW_CHARACTERS]
    except TypeError:
        return repr(row.value)[:RAW_CHARACTERS]
