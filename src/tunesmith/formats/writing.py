"""Write records in any format that can hold them, and say what it could not hold."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import Document, Record, kind_of
from tunesmith.formats.atomic import replacing
from tunesmith.formats.container import CSV, PARQUET, TEXT
from tunesmith.formats.known import DUMPS, WRITABLE
from tunesmith.formats.paths import nearest
from tunesmith.formats.table import table
from tunesmith.formats.text_container import END_OF_TEXT

_ROWS_PER_GROUP = 10_000


def write(records: Iterable[Record], path: Path, *, format: str) -> list[str]:
    """Write the records and return what was lost, one sentence each; an empty list says: nothing.

    The file appears complete or not at all. A name in `.json` gives a JSON array, one in `.gz` a compressed file
    (the same bytes for the same records); all else is one JSON object per line.

    Raises:
        ConfigError: the format is unknown or can only be read.
        DataError: there are no records, or the format can hold none of them; nothing is written.
        EnvironmentProblem: the disk is full or the folder cannot be written.
    """
    if format not in WRITABLE:
        near = nearest(format, list(WRITABLE))
        remedy = (f"did you mean {near}? " if near else "") + f"known: {', '.join(WRITABLE)}"
        raise ConfigError(f"cannot write format {format!r}", where="format", remedy=remedy)
    path = Path(path)
    lost: Counter[str] = Counter()
    with replacing(path) as file:
        with _packed(file, path) as stream:
            if format == PARQUET:
                written = _write_parquet(list(records), stream)
            elif format == CSV:
                written = _write_csv(list(records), stream, "\t" if ".tsv" in path.suffixes else ",")
            elif format == TEXT:
                written = _write_text(records, stream, lost)
            else:
                written = _write_json(_rows(records, format, lost), stream, as_array=".json" in path.suffixes)
        if not written:
            why = "; ".join(_sentences(lost, format)) or "there are no records"
            raise DataError(f"nothing can be written as {format}", where=str(path), why=why)
    return _sentences(lost, format)


@contextmanager
def _packed(file: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    if path.suffix != ".gz":
        yield file
        return
    # No time stamp and no file name, so that equal records give equal bytes.
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as stream:
        yield cast(BinaryIO, stream)


def _rows(records: Iterable[Record], format: str, lost: Counter[str]) -> Iterator[dict[str, Any]]:
    dump = DUMPS[format]
    for record in records:
        dumped = dump(record)
        if not dumped.rows:
            lost[f"whole {kind_of(record)}"] += 1
        lost.update(dumped.lost)
        yield from dumped.rows


def _write_json(rows: Iterator[dict[str, Any]], stream: BinaryIO, *, as_array: bool) -> int:
    count = 0
    for row in rows:
        before = (b",\n" if count else b"[\n") if as_array else b""
        stream.write(before + orjson.dumps(row) + (b"" if as_array else b"\n"))
        count += 1
    if as_array and count:
        stream.write(b"\n]\n")
    return count


def _write_csv(records: Sequence[Record], stream: BinaryIO, delimiter: str) -> int:
    rows = table(records)
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    if rows:
        # Every text is quoted, so that a lone carriage return or an empty cell survives.
        writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    text.flush()
    text.detach()
    return len(rows)


def _write_parquet(records: Sequence[Record], stream: BinaryIO) -> int:
    rows = table(records)
    if rows:
        schema = pa.schema([(name, pa.string()) for name in rows[0]])
        with pq.ParquetWriter(stream, schema) as writer:
            for start in range(0, len(rows), _ROWS_PER_GROUP):
                writer.write_table(pa.Table.from_pylist(rows[start : start + _ROWS_PER_GROUP], schema=schema))
    return len(rows)


def _write_text(records: Iterable[Record], stream: BinaryIO, lost: Counter[str]) -> int:
    count = 0
    for record in records:
        if not isinstance(record, Document) or END_OF_TEXT in record.text:
            lost[f"whole {kind_of(record)}"] += 1
            continue
        lost.update(["meta"] if record.meta else [])
        if record.text != _trimmed(record.text):
            lost["blank lines at the ends, or carriage returns,"] += 1
        stream.write(f"{_trimmed(record.text)}\n{END_OF_TEXT}\n".encode())
        count += 1
    return count


def _trimmed(text: str) -> str:
    """Return the text as the reader of plain text will give it back: without blank lines around it."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join(lines)


def _sentences(lost: Counter[str], format: str) -> list[str]:
    """Return what was lost, what concerns most records first."""
    sentences = []
    for what, count in lost.most_common():
        records = "1 record" if count == 1 else f"{count} records"
        if what.startswith("whole "):
            sentences.append(f"{records} of kind {what.removeprefix('whole ')}: {format} cannot hold them")
        else:
            sentences.append(f"{what} of {records}")
    return sentences
