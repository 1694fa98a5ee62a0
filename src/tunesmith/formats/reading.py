"""Read any file as records. A row that cannot be one is set aside with its line, field and reason."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal

from tunesmith.core.errors import DataError
from tunesmith.core.records import KINDS, Record
from tunesmith.formats.imported import Imported, Quarantined
from tunesmith.formats.streaming import check_name, open_stream, parse_rows

OnBadRow = Literal["quarantine", "stop"]


def read(
    path: Path,
    *,
    format: str | None = None,
    on_bad_row: OnBadRow = "quarantine",
    kind: str | None = None,
) -> Imported:
    """Return the records of a file, in file order, and every row that could not become one.

    `format` overrides the detection (see `known.READABLE`). `kind` reads each record as that label kind (a key of
    `core.records.KINDS`); those that cannot be read so are counted in the notes.

    Raises:
        ConfigError: no such file, format or kind.
        DataError: the file is empty or damaged, its format is in doubt, or no row is good; with
            `on_bad_row="stop"` also the first bad row, with `where` as `file:line:field`.
    """
    check_name("kind", kind, tuple(KINDS))
    check_name("on_bad_row", on_bad_row, ("quarantine", "stop"))
    records: list[Record] = []
    quarantined: list[Quarantined] = []
    other_kinds: Counter[str] = Counter()
    with open_stream(path, format=format) as opened:
        for row in parse_rows(opened.file, opened.layout, opened.rows, kind=kind):
            if row.quarantined and on_bad_row == "stop":
                raise _stopped(row.quarantined[0])
            records += row.records
            quarantined += row.quarantined
            other_kinds.update(row.other_kinds)
        notes = [*opened.notes, *_kind_notes(other_kinds, kind)]
    if not records:
        raise _no_records(opened.file, quarantined, other_kinds, kind)
    return Imported(opened.format, records, quarantined, notes)


def _place(bad: Quarantined) -> str:
    return f"{bad.file}:{bad.line}" + (f":{bad.field}" if bad.field else "")


def _stopped(bad: Quarantined) -> DataError:
    return DataError(bad.reason, where=_place(bad), remedy="correct the row, or quarantine bad rows")


def _kind_notes(other_kinds: Counter[str], kind: str | None) -> list[str]:
    return [
        f"{count} {name} record(s) cannot be read as a {kind} and are left out"
        for name, count in sorted(other_kinds.items())
    ]


def _no_records(file: str, quarantined: list[Quarantined], other_kinds: Counter[str], kind: str | None) -> DataError:
    if not quarantined:
        seen = ", ".join(f"{count} {name}" for name, count in other_kinds.items()) or "no rows"
        wanted = f" as a {kind}" if kind else ""
        return DataError(f"holds nothing that can be read{wanted}", where=file, why=f"it holds {seen}")
    reasons = Counter(f"{bad.field} {bad.reason}".strip() for bad in quarantined)
    common = "; ".join(f"{count} times: {reason}" for reason, count in reasons.most_common(3))
    return DataError(
        f"none of its {len(quarantined)} rows is good",
        where=_place(quarantined[0]),
        why=common,
        remedy="see docs on formats, or pass format= if it was detected wrongly",
    )
