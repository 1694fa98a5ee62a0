"""Records with their places: what a finding's file and line refer to."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from tunesmith.checks.check import CheckedRow
from tunesmith.core.errors import DataError
from tunesmith.core.records import Document, Record
from tunesmith.formats import Quarantined
from tunesmith.formats.container import open_rows
from tunesmith.formats.paths import existing_file
from tunesmith.formats.rows import BadRow
from tunesmith.formats.streaming import open_stream, parse_rows
from tunesmith.store import load


class Rows(NamedTuple):
    """The records of several files in order, what could not be read, and the hashes of the files."""

    rows: list[CheckedRow]
    quarantined: list[Quarantined]
    parents: list[str]


def read_rows(
    paths: Sequence[str],
    *,
    format: str | None = None,
    kind: str | None = None,
    log: Callable[[str], None] = lambda _: None,
) -> Rows:
    """Return the records of files and snapshot folders; a snapshot's lines are those of its `records.jsonl`.

    Raises:
        ConfigError: a path does not exist, or a format or kind is unknown.
        DataError: a file holds nothing that can be read.
    """
    rows: list[CheckedRow] = []
    quarantined: list[Quarantined] = []
    parents: list[str] = []
    other_kinds: Counter[str] = Counter()
    for name in paths:
        path = Path(name)
        if path.is_dir():
            snapshot = load(path)
            rows += [CheckedRow(name, line, record) for line, record in enumerate(snapshot.records, 1)]
            parents.append(snapshot.sha256)
            log(f"{name}: snapshot, {len(snapshot.records):,} records")
            continue
        before, bad = len(rows), len(quarantined)
        with open_stream(path, format=format) as opened:
            for row in parse_rows(opened.file, opened.layout, opened.rows, kind=kind):
                rows += [CheckedRow(name, row.line, record) for record in row.records]
                quarantined += row.quarantined
                other_kinds.update(row.other_kinds)
        with path.open("rb") as file:
            parents.append(hashlib.file_digest(file, "sha256").hexdigest())
        for note in opened.notes:
            log(f"{name}: {note}")
        log(f"{name}: {opened.format}, {len(rows) - before:,} records, {len(quarantined) - bad:,} rows set aside")
    for other, count in other_kinds.items():
        log(f"{count:,} {other} records cannot be read as a {kind} and are left out")
    if not rows:
        raise DataError("holds no record", where=", ".join(paths), why=_why(quarantined))
    return Rows(rows, quarantined, parents)


def _why(quarantined: Sequence[Quarantined]) -> str:
    reasons = Counter(f"{bad.field} {bad.reason}".strip() for bad in quarantined).most_common(3)
    return "; ".join(f"{count:,} times: {reason}" for reason, count in reasons)


class Table(NamedTuple):
    """The rows of a file of plain data, each as a document that holds it as JSON; how many rows were none; its hash."""

    records: list[Record]
    left_out: int
    sha256: str


def table_rows(path: Path) -> Table:
    """Return the rows of a CSV, JSON or Parquet file as data, whatever its columns are called.

    Raises:
        ConfigError: there is no such file.
        DataError: the file is damaged.
    """
    records: list[Record] = []
    left_out = 0
    with open_rows(existing_file(path)) as container:
        for row in container.rows:
            if isinstance(row, BadRow):
                left_out += 1
            else:
                body = {key: value for key, value in row.value.items() if value not in (None, "")}
                text = orjson.dumps(body, default=str).decode()
                records.append(Document(text=text, meta={"source": f"{path}:{row.line}"}))
    with path.open("rb") as file:
        return Table(records, left_out, hashlib.file_digest(file, "sha256").hexdigest())
