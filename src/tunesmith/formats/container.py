"""How a file holds its rows: JSON lines, a JSON array, CSV, Parquet or plain text. Name and content decide together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson

from tunesmith.core.errors import DataError
from tunesmith.formats.byte_source import ByteSource, Line, lines, open_bytes
from tunesmith.formats.csv_container import csv_rows
from tunesmith.formats.json_container import json_array, json_lines
from tunesmith.formats.parquet_container import parquet_rows
from tunesmith.formats.rows import RowStream
from tunesmith.formats.text_container import text_rows

JSON_LINES, JSON_ARRAY, CSV, PARQUET, TEXT = "JSON lines", "JSON", "csv", "parquet", "plain-text"
_JSON_SUFFIXES = {".json", ".jsonl", ".ndjson"}
_TABLE_SUFFIXES = {".csv", ".tsv"}
_TEXT_SUFFIXES = {".txt", ".md", ".text", ".markdown"}


class Container(NamedTuple):
    """An open file's rows, the container's name, and remarks, which may grow while the rows are read.

    `lines` are the same rows before they are decoded, for JSON lines only: taking from one takes from both.
    """

    name: str
    rows: RowStream
    notes: list[str]
    lines: Iterator[Line] | None = None


@contextmanager
def open_rows(path: Path, *, container: str | None = None) -> Iterator[Container]:
    """Open a file as rows. `container` forces one of `csv`, `parquet` and `plain-text`.

    Raises:
        ConfigError: the file cannot be opened.
        DataError: the content is none of the containers; the message says what it is.
    """
    with open_bytes(path) as source:
        name = container or container_name(path, source)
        undecoded = lines(source.stream) if name == JSON_LINES else None
        rows = _rows(name, path, source) if undecoded is None else json_lines(undecoded)
        with closing(rows):  # type: ignore[type-var]
            yield Container(name, rows, source.notes, undecoded)


def _rows(name: str, path: Path, source: ByteSource) -> RowStream:
    if name == PARQUET:
        return parquet_rows(path)
    if name == JSON_ARRAY:
        return json_array(source.stream, str(path))
    if name == CSV:
        tabs = ".tsv" in path.suffixes
        return csv_rows(lines(source.stream, keep_ends=True), where=str(path), notes=source.notes, tabs=tabs)
    return text_rows(lines(source.stream), source.notes)


def container_name(path: Path, source: ByteSource) -> str:
    """Return the container's name from the file's name and its first bytes.

    Raises:
        DataError: the file is empty, or its content is binary or unknown.
    """
    head = source.head
    suffix = next((s.lower() for s in reversed(path.suffixes) if s.lower() != ".gz"), "")
    if head.startswith(b"PAR1"):
        return PARQUET
    if not head.strip():
        raise DataError("is empty", where=str(path))
    if json := _json_name(head, suffix):
        return json
    if suffix in _TABLE_SUFFIXES:
        return CSV
    if suffix in _TEXT_SUFFIXES:
        return TEXT
    raise DataError(
        "is of no known kind",
        where=str(path),
        why=f"the name ends in {suffix or 'nothing'!r} and the content begins with {_excerpt(head)}",
        remedy="name it .jsonl, .json, .csv, .parquet or .txt (or those with .gz), or pass format=",
    )


def _json_name(head: bytes, suffix: str) -> str:
    """Return the JSON container's name, or nothing where the content is not JSON.

    A file that is named as text or a table is JSON only if its first line is a complete JSON object.
    """
    first, _, rest = head.lstrip().partition(b"\n")
    complete = _is_json(first)
    named = suffix in _JSON_SUFFIXES
    if first[:1] == b"{" and complete:
        return JSON_LINES
    if suffix in _TABLE_SUFFIXES or suffix in _TEXT_SUFFIXES:
        return ""
    if first[:1] == b"[":
        # Lines that are arrays themselves are no rows, but then at least each is named with its line.
        several = complete and rest.lstrip()[:1] == b"["
        return JSON_LINES if several else JSON_ARRAY
    if first[:1] == b"{":
        spread = suffix != ".jsonl" and re.fullmatch(rb'\{\s*("[^"\n]*"\s*:.*)?', first.rstrip()) is not None
        return JSON_ARRAY if spread and b"\n" in head and not _later_line_is_json(rest) else JSON_LINES
    return JSON_LINES if named else ""


def _later_line_is_json(rest: bytes) -> bool:
    return any(line[:1] == b"{" and _is_json(line) for line in rest.split(b"\n")[:20])


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _excerpt(head: bytes) -> str:
    if b"\x00" in head:
        return "binary data"
    return repr(head[:60].decode("utf-8", "replace"))
