"""Files become the records that a stage asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.small_runs import demonstrations, documents, prompts, rankings, write
from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import Prompt, Record
from tunesmith.recipes.records import read_records, snapshot_hash
from tunesmith.store import freeze


def read(*names: str, kinds: tuple[str, ...], lines: list[str] | None = None) -> list[Record]:
    log = (lambda _: None) if lines is None else lines.append
    return read_records(names, kinds, log=log, desk_rows=6, seed=1)


def test_prompts_come_out_of_everything_that_has_one(tmp_path: Path) -> None:
    files = [
        write(tmp_path / "a.jsonl", prompts(2)),
        write(tmp_path / "b.jsonl", demonstrations(3)),
        write(tmp_path / "c.jsonl", rankings(4)),
    ]
    found = read(*files, kinds=("prompt",))
    assert len(found) == 9 and all(isinstance(r, Prompt) for r in found)
    assert [r.messages for r in found[:2]] == [r.messages for r in prompts(2)]


def test_what_is_not_used_is_counted(tmp_path: Path) -> None:
    mixed = write(tmp_path / "mixed.jsonl", [*rankings(2), *prompts(3)])
    lines: list[str] = []
    assert len(read(mixed, kinds=("ranking", "comparison"), lines=lines)) == 2
    assert any("3 prompts" in line for line in lines)


def test_nothing_usable_names_what_there_was(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found 3 prompts"):
        read(write(tmp_path / "p.jsonl", prompts(3)), kinds=("ranking",))
    with pytest.raises(ConfigError):
        read(str(tmp_path / "nowhere.jsonl"), kinds=("ranking",))
    with pytest.raises(DataError, match="the desk has no ranking"):
        read("desk", kinds=("ranking",))


def test_the_desk_makes_as_many_rows_as_asked_for(tmp_path: Path) -> None:
    assert len(read("desk", kinds=("demonstration",))) == 6
    assert len(read("desk", kinds=("prompt",))) == 6
    assert read("desk", kinds=("prompt",)) == read("desk", kinds=("prompt",))


def test_a_snapshot_is_read_as_a_folder(tmp_path: Path) -> None:
    snapshot = freeze(documents(4), tmp_path / "frozen")
    lines: list[str] = []
    assert read(str(tmp_path / "frozen"), kinds=("document",), lines=lines) == list(snapshot.records)
    assert snapshot.sha256[:12] in lines[0]


def test_the_hash_is_of_the_contents_whatever_the_order() -> None:
    rows = demonstrations(4)
    assert snapshot_hash(rows) == snapshot_hash(rows[::-1]) != snapshot_hash(rows[:3])
