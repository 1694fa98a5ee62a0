from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.formats import read, stream, streaming
from tunesmith.formats.byte_source import Line
from tunesmith.formats.streaming import chunks, open_stream, parse_rows

Put = Callable[[str, bytes | str], Path]
ROWS = "".join(
    f'{{"instruction": "Name {n}.", "input": "", "output": "{"" if n % 9 == 8 else n}"}}\n' + "\n" * (n % 4 == 0)
    for n in range(200)
)


def test_stream_gives_what_read_collects(put: Put) -> None:
    path = put("a.jsonl", ROWS)
    rows = list(stream(path))
    imported = read(path)
    assert [record for row in rows for record in row.records] == imported.records
    assert [bad for row in rows for bad in row.quarantined] == imported.quarantined
    assert len(rows) == 200 and len(imported.quarantined) == 22
    assert rows[-1].line == imported.quarantined[-1].line + 1 or rows[-1].line > imported.quarantined[-1].line


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_chunks_lose_nothing_and_pickle(put: Put, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(streaming, "CHUNK_ROWS", size)
    path = put("a.jsonl", ROWS)
    with open_stream(path) as opened:
        divided = pickle.loads(pickle.dumps(list(chunks(opened))))
    assert [row for chunk in divided for row in parse_rows(chunk.file, chunk.layout, chunk.rows)] == list(stream(path))
    assert all(len(chunk.rows) <= size for chunk in divided)


def test_lines_of_json_stay_undecoded_and_other_containers_arrive_as_rows(put: Put) -> None:
    with open_stream(put("a.jsonl", ROWS)) as opened:
        assert sum(isinstance(row, Line) for row in opened.rows) > 100
    with open_stream(put("a.csv", "prompt,completion\n" + "Who?,Ann.\n" * 100)) as opened:
        assert not any(isinstance(row, Line) for row in opened.rows)


def test_a_long_row_closes_its_chunk(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "CHUNK_BYTES", 100)
    with open_stream(put("a.jsonl", ROWS)) as opened:
        assert max(len(chunk.rows) for chunk in chunks(opened)) <= 3


def test_a_kind_leaves_others_out_by_name(put: Put) -> None:
    rows = list(stream(put("a.txt", "One text.\n\nAnother text.\n"), kind="comparison"))
    assert rows and all(not row.records and row.other_kinds == ["document"] for row in rows)
    with pytest.raises(ConfigError, match="unknown kind"):
        next(stream(put("a.jsonl", ROWS), kind="demo"))
