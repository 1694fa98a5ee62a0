from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.make.clean.findings import place_of
from tunesmith.make.split import keys_of, read_clusters, strata_of

from .rows import demo, rows


def test_keys_by_default_by_name_and_by_cluster() -> None:
    some = rows(demo("a", user="u"), demo("b", user="u", kind=1), demo("c", kind=1))
    assert keys_of(some, by=())[0] == keys_of(some, by=())[1] == ["user:u"]
    assert keys_of(some, by=["kind"])[1:] == [["kind:1"], ["kind:1"]]
    assert keys_of(some, by=["user", "prompt"])[0][1] == "user:u" and len(keys_of(some, by=["user", "prompt"])[0]) == 2
    clusters = {(place_of("a.jsonl"), 1): "7", (place_of("a.jsonl"), 3): "7"}
    assert [k[-1] for k in keys_of(some, by=(), clusters=clusters)] == ["cluster:7", "user:u", "cluster:7"]
    with pytest.raises(ConfigError, match=r"meta\.colour"):
        keys_of(some, by=["colour"])


def test_a_made_record_keeps_the_keys_of_its_parents() -> None:
    [own] = keys_of(rows(demo("a", kind=1, split_keys=["user:u", "user:v"])), by=["kind"])
    assert own == ["kind:1", "user:u", "user:v"]


def test_clusters_from_findings(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text('{"file": "a.jsonl", "line": 1, "cluster": 4}\n{"file": "a.jsonl", "line": 2, "check": "x"}\n')
    assert read_clusters(path) == {(place_of("a.jsonl"), 1): "4"}
    path.write_text('{"file": "a.jsonl", "line": 2}\n')
    with pytest.raises(DataError, match="names no cluster"):
        read_clusters(path)
    path.write_text('{"cluster": 4}\n')
    with pytest.raises(DataError, match=r"f\.jsonl:1"):
        read_clusters(path)


def test_strata() -> None:
    assert strata_of(rows(demo("a", task=1), demo("b")), "task") == ["1", ""]
    with pytest.raises(ConfigError):
        strata_of(rows(demo("a")), "task")
