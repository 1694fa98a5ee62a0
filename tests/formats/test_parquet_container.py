from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tunesmith.core.errors import DataError
from tunesmith.formats import read
from tunesmith.formats.parquet_container import parquet_rows


def test_nested_columns_and_null_cells(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    rows = [
        {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "score": float("nan")},
        {"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": "a"}], "score": 1.0},
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    result = read(path)
    assert result.format == "parquet" and "the columns are those of openai-chat" in result.notes
    assert [len(result.records), result.records[0].meta] == [1, {}]
    assert [(bad.line, bad.field) for bad in result.quarantined] == [(2, "messages[0].content")]


def test_invalid_utf_8_in_a_text_column_is_one_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    broken = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff\xfe", b"ok"], pa.binary()).buffers())
    pq.write_table(pa.table({"text": broken}), path)
    result = read(path)
    assert [len(result.records), [bad.line for bad in result.quarantined]] == [1, [1]]


def test_rows_are_numbered_across_batches(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"text": [str(i) for i in range(1500)]}), path)
    assert [row.line for row in parquet_rows(path)] == list(range(1, 1501))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1" + b"\x07" * 50)
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read(path)
