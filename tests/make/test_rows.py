from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.core.errors import DataError
from tunesmith.make.rows import read_rows, table_rows
from tunesmith.store import freeze

from .rows import demo


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n\n{"prompt": 3}\n{"prompt": "c", "completion": "d"}\n')
    said: list[str] = []
    found = read_rows([str(path)], log=said.append)
    assert [(row.file, row.line) for row in found.rows] == [(str(path), 1), (str(path), 4)]
    assert [bad.line for bad in found.quarantined] == [3] and len(found.parents) == 1 and "2 records" in said[-1]


def test_a_snapshot_counts_its_own_lines(tmp_path: Path) -> None:
    snapshot = freeze([demo("a"), demo("b")], tmp_path / "s")
    found = read_rows([str(tmp_path / "s")])
    assert [row.line for row in found.rows] == [1, 2] and found.parents == [snapshot.sha256]
    lines = (tmp_path / "s" / "records.jsonl").read_text().splitlines()
    assert found.rows[1].record.messages[0].content in lines[1]  # type: ignore[union-attr]


def test_nothing_to_read_says_why(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"prompt": "", "completion": "b"}\n')
    with pytest.raises(DataError, match="empty"):
        read_rows([str(path)])


def test_a_table_is_data_whatever_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("name,age\nAnn,30\nBob,\n")
    found = table_rows(path)
    assert [record.text for record in found.records] == ['{"name":"Ann","age":"30"}', '{"name":"Bob"}']  # type: ignore[union-attr]
    assert found.left_out == 0 and found.records[0].meta["source"] == f"{path}:2"
