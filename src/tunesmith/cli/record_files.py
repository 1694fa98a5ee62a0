"""Records from whatever a person names: a snapshot directory, or a file in any known format."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, cast, get_args

from tunesmith.cli.console import Console
from tunesmith.core.errors import ConfigError

if TYPE_CHECKING:
    from tunesmith.core.records import Record
    from tunesmith.formats.imported import Quarantined

OnBadRow = Literal["quarantine", "stop"]
SHOWN = 5


class RecordFiles(NamedTuple):
    """Records in file order, the rows set aside, and the detected format of each file (`snapshot` for a snapshot)."""

    records: list[Record]
    quarantined: list[Quarantined]
    formats: dict[str, str]


def read_record_files(
    console: Console,
    paths: Sequence[Path],
    *,
    format: str | None = None,
    kind: str | None = None,
    on_bad_row: str = "quarantine",
) -> RecordFiles:
    """Read every file or snapshot, saying on the console what each was taken for and what was set aside.

    Raises:
        ConfigError: a path does not exist, or an option has an unknown value.
        DataError: a file is in no known format or without a good row, or a row is bad and `on_bad_row` is `stop`.
    """
    from tunesmith.formats import read
    from tunesmith.store import load

    if on_bad_row not in get_args(OnBadRow):
        raise ConfigError(f"unknown value {on_bad_row!r}", where="--on-bad-row", remedy="use quarantine or stop")
    records: list[Record] = []
    quarantined: list[Quarantined] = []
    formats: dict[str, str] = {}
    for path in paths:
        if path.is_dir():
            found = list(load(path).records)
            formats[str(path)] = "snapshot"
        else:
            imported = read(path, format=format, kind=kind, on_bad_row=cast(OnBadRow, on_bad_row))
            found = imported.records
            formats[str(path)] = imported.format
            quarantined += imported.quarantined
            for note in imported.notes:
                console.log(f"{path}: {note}")
        console.log(f"{path}: {formats[str(path)]}, {len(found):,} records")
        records += found
    _report_quarantined(console, quarantined)
    return RecordFiles(records, quarantined, formats)


def parent_hashes(paths: Sequence[Path]) -> list[str]:
    """Return the SHA-256 of each file, and each snapshot's own: what a new snapshot was made from."""
    from tunesmith.store import load

    hashes = []
    for path in paths:
        if path.is_dir():
            hashes.append(load(path).sha256)
        else:
            with path.open("rb") as file:
                hashes.append(hashlib.file_digest(file, "sha256").hexdigest())
    return hashes


def count_kinds(records: Sequence[Record]) -> dict[str, int]:
    """Return how many records there are of each kind."""
    from tunesmith.core.records import kind_of

    return dict(Counter(kind_of(record) for record in records).most_common())


def place(row: Quarantined) -> str:
    """Return `file:line:field: reason`."""
    where = f"{row.file}:{row.line}" + (f":{row.field}" if row.field else "")
    return f"{where}: {row.reason}"


def write_quarantine(rows: Sequence[Quarantined], path: Path) -> None:
    """Write the rows that were set aside, with reasons, as JSON lines; without rows, remove an older file."""
    if not rows:
        path.unlink(missing_ok=True)
        return
    path.write_text("".join(json.dumps(row._asdict(), ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _report_quarantined(console: Console, rows: Sequence[Quarantined]) -> None:
    for row in rows[:SHOWN]:
        console.warn(f"set aside: {place(row)}")
    if len(rows) > SHOWN:
        reasons = Counter(row.reason for row in rows).most_common(3)
        console.warn(
            f"set aside in all: {len(rows):,} rows; " + "; ".join(f"{n:,} x {reason}" for reason, n in reasons)
        )
