"""Which format a file has, from its name, its container and its first rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from tunesmith.core.errors import DataError
from tunesmith.formats.container import open_rows
from tunesmith.formats.fields import JsonRow
from tunesmith.formats.known import CONTAINERS, FORMATS, READABLE
from tunesmith.formats.paths import existing_file
from tunesmith.formats.rows import AnyRow, BadRow

SAMPLE_ROWS = 64
_NONE = "no known format"


def detect(path: Path) -> str:
    """Return the name of a file's format. CSV, Parquet and plain text go by that name.

    Raises:
        ConfigError: there is no such file.
        DataError: the content fits no format, or two equally well; the message says what was seen.
    """
    path = existing_file(path)
    with open_rows(path) as container:
        sample = list(islice(container.rows, SAMPLE_ROWS))
        layout = layout_of(sample, str(path))
        return container.name if container.name in CONTAINERS else layout


def format_of(row: JsonRow) -> str:
    """Return the name of the first format that one row fits, or an empty text."""
    return next((name for name, module in FORMATS.items() if module.sniff(row)), "")


def layout_of(sample: Sequence[AnyRow], where: str) -> str:
    """Return the format of most of the rows.

    Raises:
        DataError: no row is readable, most fit no format, or two formats are equally common.
    """
    good = [row for row in sample if not isinstance(row, BadRow)]
    if not good:
        first = next((row for row in sample if isinstance(row, BadRow)), None)
        why = f"line {first.line} {first.reason}" if first else "it has no rows"
        raise DataError("none of its first rows can be read", where=where, why=why)
    seen = Counter(format_of(row.value) or _NONE for row in good)
    (best, count), *others = seen.most_common()
    if best == _NONE or any(other == count for _, other in others):
        raise DataError(
            "cannot tell the format",
            where=where,
            why=_what_was_seen(seen, good[0].value),
            remedy=f"pass format=, one of {', '.join(READABLE)}",
        )
    return best


def _what_was_seen(seen: Counter[str], row: JsonRow) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in seen.most_common())
    fields = ", ".join(f"{str(name)[:40]} ({_kind(value)})" for name, value in list(row.items())[:12])
    return f"first rows: {counts}; fields of the first: {fields or 'none'}"


def _kind(value: object) -> str:
    names = {dict: "object", list: "list", str: "text", bool: "true/false", int: "number", float: "number"}
    return names.get(type(value), "null")
