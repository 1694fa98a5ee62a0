"""Tables from elsewhere as rows: CSV, TSV, JSON, Parquet, and spreadsheets (.xlsx, first sheet)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tunesmith.core.errors import ConfigError, DataError, EnvironmentProblem
from tunesmith.evaluate.suites.suite import read_rows

TableRow = Mapping[str, Any]
_INDEX = re.compile(r"(?:unnamed(?:[:_ ]+\d+)?|index|column_\d+|)$")
_EMPTY = frozenset({"", "nan", "none", "null", "n/a", "na", "-"})


class Table(NamedTuple):
    """Rows with lower-case column names, and why some could not be read."""

    rows: list[TableRow]
    left_out: dict[str, int]


def read_table(path: Path) -> Table:
    """Return a file's rows; a column without a name or called index is left out.

    Raises:
        DataError: there are no rows.
        EnvironmentProblem: a spreadsheet, and openpyxl is not installed.
    """
    if path.suffix.lower() == ".xlsx":
        table = Table(_sheet(path), {})
    else:
        rows = read_rows(path)
        table = Table(rows.rows, rows.left_out)
    named = [{_name(k): v for k, v in row.items() if not _INDEX.fullmatch(_name(k))} for row in table.rows]
    if not named:
        raise DataError("no rows", where=str(path))
    return Table([row for row in named if row], table.left_out)


def _name(column: str) -> str:
    return re.sub(r"[\s\-]+", "_", column.strip().lower())


def _sheet(path: Path) -> list[TableRow]:
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise EnvironmentProblem("spreadsheets need openpyxl", remedy="pip install 'tunesmith[eval]'") from error
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError) as error:
        raise DataError("not a spreadsheet", where=str(path), why=str(error)) from error
    lines = iter(book.worksheets[0].iter_rows(values_only=True))
    header = [str(cell) if cell is not None else "" for cell in next(lines, ())]
    rows: list[TableRow] = [
        dict(zip(header, line, strict=False)) for line in lines if any(cell is not None for cell in line)
    ]
    book.close()
    return rows


def column_of(rows: Sequence[TableRow], names: Sequence[str], asked: str, what: str) -> str | None:
    """Return the column: the one that was asked for, else the first of the usual names that the table has.

    Raises:
        ConfigError: the column asked for is not there.
    """
    known = set().union(*(row.keys() for row in rows[:200]))
    if asked:
        if _name(asked) not in known:
            raise ConfigError(
                f"no column {asked!r}", where=f"columns.{what}", why=f"there are {', '.join(sorted(known))}"
            )
        return _name(asked)
    return next((name for name in names if name in known), None)


def number_of(value: object) -> float | None:
    """Return a cell's number: numbers, "0.5", true and false; None for an empty cell or a text."""
    if isinstance(value, bool | int | float):
        number = float(value)
        return number if number == number else None
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    if text in ("true", "yes"):
        return 1.0
    if text in ("false", "no"):
        return 0.0
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None


def is_empty(value: object) -> bool:
    """Say whether a cell holds nothing."""
    return value is None or value != value or (isinstance(value, str) and value.strip().lower() in _EMPTY)


def text_of(value: object) -> str:
    """Return a cell as text; JSON booleans and numbers in text columns are written out."""
    return "" if value is None else value if isinstance(value, str) else str(value)
