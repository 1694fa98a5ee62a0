"""Apply chosen fixes to records; drop the rows that findings name. What changed and what went is counted and shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tunesmith.checks.check import CheckedRow, texts_of
from tunesmith.core.errors import DataError
from tunesmith.core.records import Record, to_json
from tunesmith.formats.check import check
from tunesmith.make.clean.duplicates import duplicate_key
from tunesmith.make.clean.findings import Drops, place_of
from tunesmith.make.clean.fixes import DUPLICATES, Means, RecordFix, fixes
from tunesmith.make.clean.settle import ROUNDS, Unsettled

EXAMPLES_A_FIX = 5


class Rejected(NamedTuple):
    """A record that was taken out: where it stood, why, and the record itself as JSON values."""

    file: str
    line: int
    reason: str
    record: dict[str, Any]


class Example(NamedTuple):
    """One text before and after a fix."""

    file: str
    line: int
    field: str
    before: str
    after: str


@dataclass(slots=True)
class Cleaned:
    """The clean records in their order; what was rejected; per fix how many records changed, and first examples."""

    records: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    changed: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Example]] = field(default_factory=dict)

    def reject(self, row: CheckedRow, reason: str) -> None:
        """Take a record out."""
        self.rejected.append(Rejected(row.file, row.line, reason, to_json(row.record)))

    def note(self, name: str, row: CheckedRow, before: Record, after: Record) -> None:
        """Count a change and keep the first examples of it."""
        self.changed[name] += 1
        shown = self.examples.setdefault(name, [])
        for old, new in zip(texts_of(before), texts_of(after), strict=True):
            if old.text != new.text and len(shown) < EXAMPLES_A_FIX:
                shown.append(Example(row.file, row.line, old.field, old.text, new.text))


def clean(rows: Sequence[CheckedRow], *, fix: Sequence[str], drops: Drops | None = None, means: Means) -> Cleaned:
    """Return the cleaned records.

    The fixes are repeated until none of them changes the record, so cleaning what is clean changes nothing. A row that
    is dropped, a duplicate, and a record that is no longer whole after the fixes are rejected, each with its reason.

    Raises:
        ConfigError: a fix is unknown, or what it needs was not given.
    """
    chosen = fixes(fix, means)
    cleaned = Cleaned()
    first: dict[str, CheckedRow] = {}
    places = {file: place_of(file) for file in {row.file for row in rows}}
    for row in rows:
        reasons = drops.reasons.get((places[row.file], row.line), []) if drops else []
        if reasons:
            cleaned.reject(row, "; ".join(reasons))
            continue
        record = _fixed(row, chosen, cleaned)
        if record is None:
            continue
        if DUPLICATES in fix:
            earlier = first.setdefault(duplicate_key(record), row)
            if earlier is not row:
                cleaned.reject(row, f"{DUPLICATES}: the same texts as {earlier.file}:{earlier.line}")
                cleaned.changed[DUPLICATES] += 1
                continue
        cleaned.records.append(record)
    return cleaned


def _fixed(row: CheckedRow, chosen: dict[str, RecordFix], cleaned: Cleaned) -> Record | None:
    """Return the record after all fixes, or None when it had to be rejected."""
    record = row.record
    first_change: dict[str, tuple[Record, Record]] = {}
    try:
        for _ in range(ROUNDS):
            before = record
            for name, apply in chosen.items():
                after = apply(record)
                if after is not record:
                    first_change.setdefault(name, (record, after))
                record = after
            if record is before:
                break
        else:
            raise Unsettled(f"still changes after {ROUNDS} rounds of fixes")
        if first_change:
            check(record)
    except Unsettled as error:
        cleaned.reject(row, str(error))
        return None
    except DataError as error:
        names = ", ".join(first_change)
        cleaned.reject(row, f"after the fixes ({names}): {error}")
        return None
    for name, (old, new) in first_change.items():
        cleaned.note(name, row, old, new)
    return record
