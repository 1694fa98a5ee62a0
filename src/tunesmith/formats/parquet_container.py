"""Rows out of Parquet, a batch at a time."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tunesmith.core.errors import DataError
from tunesmith.formats.cells import NESTED, cell_value
from tunesmith.formats.parquet_pages import check_pages
from tunesmith.formats.rows import ROW_LIMIT_BYTES, AnyRow, BadRow, Row, RowStream

BATCH_ROWS = 512
BATCH_BYTES = 128 * 2**20


def parquet_rows(path: Path) -> RowStream:
    """Yield one row per table row; `line` is the row number, from 1.

    Raises:
        DataError: the file is not Parquet, is damaged, or would unpack beyond the limits (`parquet_pages`).
    """
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            # A dictionary is small in memory; the rows that repeat its entries are not.
            expanded = check_pages(path, file.metadata)
            batch_rows = max(1, min(BATCH_ROWS, BATCH_BYTES // max(expanded, 1)))
            for batch in file.iter_batches(batch_size=batch_rows):
                yield from _decoded(batch, number)
                number += batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError("cannot be read as Parquet", where=f"{path}:{number + 1}", why=str(error)[:300]) from error


def _decoded(batch: Any, before: int) -> Iterator[AnyRow]:
    if batch.nbytes > ROW_LIMIT_BYTES:
        for index in range(batch.num_rows):
            row = batch.slice(index, 1)
            if row.nbytes > ROW_LIMIT_BYTES:
                reason = f"is {row.nbytes:,} bytes long; the limit for one row is {ROW_LIMIT_BYTES:,}"
                yield BadRow(before + index + 1, "", reason)
            else:
                yield from _readable(row, before + index)
    else:
        yield from _readable(batch, before)


def _readable(batch: Any, before: int) -> Iterator[AnyRow]:
    try:
        rows = batch.to_pylist()
    except (UnicodeDecodeError, pa.ArrowException):
        rows = [None] * batch.num_rows
    for index, values in enumerate(rows):
        line = before + index + 1
        try:
            values = values or batch.slice(index, 1).to_pylist()[0]
            cells = {str(name): _cell(str(name), value) for name, value in values.items()}
            yield Row(line, {name: value for name, value in cells.items() if value != "" or name not in NESTED})
        except (UnicodeDecodeError, pa.ArrowException) as error:
            yield BadRow(line, "", f"cannot be decoded: {error}")


def _cell(name: str, value: object) -> object:
    """Return a JSON value for a cell; NaN is how tables without a null write a missing cell."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return cell_value(name, value) if isinstance(value, str) else _jsonable(value)


def _jsonable(value: object) -> object:
    if isinstance(value, dict):
        # A struct column gives every row every key; null is its way to say that the key is absent.
        return {str(key): _jsonable(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta | decimal.Decimal | bytes):
        return str(value)
    return value
