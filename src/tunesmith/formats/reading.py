"""Read any file as records. A row that cannot be one is set aside with its line, field and reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Literal, NamedTuple

import orjson

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import KINDS, Record, kind_of
from tunesmith.formats.check import check
from tunesmith.formats.container import Container, open_rows
from tunesmith.formats.convert import as_kind
from tunesmith.formats.detection import SAMPLE_ROWS, layout_of
from tunesmith.formats.imported import RAW_CHARACTERS, Imported, Quarantined
from tunesmith.formats.known import ASSEMBLERS, CONTAINERS, FORMATS, READABLE
from tunesmith.formats.paths import existing_file, nearest
from tunesmith.formats.rows import AnyRow, BadRow, Row, RowStream

OnBadRow = Literal["quarantine", "stop"]


class _Plan(NamedTuple):
    format: str
    rows: RowStream
    parse: Callable[[Row], list[Record]]


@dataclass(slots=True)
class _Collected:
    """What the rows gave so far."""

    file: str
    on_bad_row: OnBadRow
    records: list[Record] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    other_kinds: Counter[str] = field(default_factory=Counter)

    def set_aside(self, row: AnyRow, where: str, reason: str) -> None:
        """Quarantine a row, or stop at it."""
        if self.on_bad_row == "stop":
            place = f"{self.file}:{row.line}" + (f":{where}" if where else "")
            raise DataError(reason, where=place, remedy="correct the row, or quarantine bad rows")
        self.quarantined.append(Quarantined(self.file, row.line, where, reason, _raw(row)))


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
    path = existing_file(path)
    _check_names(format, kind, on_bad_row)
    collected = _Collected(str(path), on_bad_row)
    with open_rows(path, container=format if format in CONTAINERS else None) as container:
        plan = _plan(container, path, format)
        for row in plan.rows:
            if isinstance(row, BadRow):
                collected.set_aside(row, row.field, row.reason)
            else:
                _add(collected, row, plan.parse, kind)
        notes = [*container.notes, *_kind_notes(collected, kind)]
    if not collected.records:
        raise _no_records(collected, kind)
    return Imported(plan.format, collected.records, collected.quarantined, notes)


def _plan(container: Container, path: Path, format: str | None) -> _Plan:
    """Decide on the format from the first rows; they stay in front of the others."""
    first = list(islice(container.rows, SAMPLE_ROWS))
    layout = format if format and format in FORMATS else layout_of(first, str(path))
    name = format or (container.name if container.name in CONTAINERS else layout)
    notes = container.notes
    if name != layout:
        notes.append(f"the columns are those of {layout}")
    elif container.name != layout:
        notes.append(f"held in {container.name}")
    rows: Iterator[AnyRow] = chain(first, container.rows)
    if layout in ASSEMBLERS:
        rows = ASSEMBLERS[layout](rows, path)
    module = FORMATS[layout]
    return _Plan(name, rows, lambda row: module.parse(row.value))


def _add(collected: _Collected, row: Row, parse: Callable[[Row], list[Record]], kind: str | None) -> None:
    """Parse one row; of several records in it the good ones are kept."""
    try:
        records = parse(row)
    except DataError as error:
        collected.set_aside(row, error.where, error.what)
        return
    for record in records:
        try:
            check(record)
        except DataError as error:
            collected.set_aside(row, error.where, error.what)
            continue
        wanted = as_kind(record, kind) if kind else [record]
        collected.records += wanted
        if not wanted:
            collected.other_kinds[kind_of(record)] += 1


def _check_names(format: str | None, kind: str | None, on_bad_row: str) -> None:
    for what, name, known in (
        ("format", format, READABLE),
        ("kind", kind, tuple(KINDS)),
        ("on_bad_row", on_bad_row, ("quarantine", "stop")),
    ):
        if name is not None and name not in known:
            near = nearest(name, list(known))
            remedy = (f"did you mean {near}? " if near else "") + f"known: {', '.join(known)}"
            raise ConfigError(f"unknown {what} {name!r}", where=what, remedy=remedy)


def _kind_notes(collected: _Collected, kind: str | None) -> list[str]:
    return [
        f"{count} {name} record(s) cannot be read as a {kind} and are left out"
        for name, count in sorted(collected.other_kinds.items())
    ]


def _no_records(collected: _Collected, kind: str | None) -> DataError:
    if not collected.quarantined:
        seen = ", ".join(f"{count} {name}" for name, count in collected.other_kinds.items()) or "no rows"
        wanted = f" as a {kind}" if kind else ""
        return DataError(f"holds nothing that can be read{wanted}", where=collected.file, why=f"it holds {seen}")
    reasons = Counter(f"{bad.field} {bad.reason}".strip() for bad in collected.quarantined)
    common = "; ".join(f"{count} times: {reason}" for reason, count in reasons.most_common(3))
    first = collected.quarantined[0]
    return DataError(
        f"none of its {len(collected.quarantined)} rows is good",
        where=f"{first.file}:{first.line}" + (f":{first.field}" if first.field else ""),
        why=common,
        remedy="see docs on formats, or pass format= if it was detected wrongly",
    )


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
