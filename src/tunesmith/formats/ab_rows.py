"""Outcomes of an A/B test from a table or JSON lines: one row is one outcome of one person."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.nearest import did_you_mean
from tunesmith.formats.container import open_rows
from tunesmith.formats.rows import BadRow

_YES_NO = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}


class AbRow(NamedTuple):
    """One row: the arm's name, who it was, the value of each metric that the row has."""

    arm: str
    person: str
    values: Mapping[str, float]


class AbTable(NamedTuple):
    """The rows in the file's order, and how many were left out, by reason."""

    rows: list[AbRow]
    left_out: Counter[str]


def read_ab_rows(path: Path, *, arm: str, metrics: list[str], user: str | None = None) -> AbTable:
    """Return a file's outcomes; without a `user` column every row is a person of its own.

    Raises:
        ConfigError: the file has no such column.
        DataError: the file cannot be read, or has no good row.
    """
    rows: list[AbRow] = []
    left_out: Counter[str] = Counter()
    with open_rows(path) as table:
        for number, row in enumerate(table.rows, start=1):
            if isinstance(row, BadRow):
                left_out[row.reason] += 1
                continue
            if number == 1:
                for column in (arm, *metrics, *([user] if user else [])):
                    _check_column(column, row.value, path)
            read = _row(row.value, arm, metrics, user, f"row {row.line}")
            if isinstance(read, str):
                left_out[read] += 1
            else:
                rows.append(read)
    if not rows:
        raise DataError("has no row with an arm and a value", where=str(path), why=str(dict(left_out)))
    return AbTable(rows, left_out)


def _row(value: Mapping[str, Any], arm: str, metrics: list[str], user: str | None, own: str) -> AbRow | str:
    named = _cell(value, arm)
    if named in (None, ""):
        return f"no {arm}"
    person = _cell(value, user) if user else own
    if person in (None, ""):
        return f"no {user}"
    numbers = {metric: number for metric in metrics if (number := _number(_cell(value, metric))) is not None}
    return AbRow(str(named), str(person), numbers) if numbers else f"no number in {', '.join(metrics)}"


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        text = value.strip().lower()
        if text in _YES_NO:
            return _YES_NO[text]
    elif not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _cell(value: Mapping[str, Any], column: str) -> Any:
    return value[column] if column in value else value.get(_folded(column))


def _folded(column: str) -> str:
    """Return the name under which the CSV reader has a column."""
    return re.sub(r"[\s\-]+", "_", column.strip().lower())


def _check_column(column: str, value: Mapping[str, Any], path: Path) -> None:
    if column not in value and _folded(column) not in value:
        raise ConfigError(f"no column {column!r}", where=str(path), remedy=did_you_mean(column, value))
