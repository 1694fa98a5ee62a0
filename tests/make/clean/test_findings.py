from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.make.clean.findings import place_of, read_findings, rows_to_drop
from tunesmith.store import freeze

from ..rows import demo

LINE = {"file": "a.jsonl", "line": 3, "field": "f", "check": "noise.placeholder", "reason": "r", "severity": "error"}


def written(path: Path, *bodies: object) -> Path:
    path.write_bytes(b"".join(orjson.dumps(body) + b"\n" for body in bodies))
    return path


def test_a_kind_takes_its_members_and_not_its_namesakes(tmp_path: Path) -> None:
    others = [{**LINE, "check": "noisy", "line": 4}, {**LINE, "check": "noise", "line": 5}]
    findings = read_findings(written(tmp_path / "f.jsonl", LINE, *others))
    drops = rows_to_drop(findings, ["noise"])
    assert sorted(line for _, line in drops.reasons) == [3, 5] and drops.chosen == {"noise": 2}
    assert rows_to_drop(findings, ["noise.placeholder"]).chosen == {"noise.placeholder": 1}


@pytest.mark.parametrize(
    "bad", [{**LINE, "line": "3"}, {**LINE, "severity": "bad"}, {"file": "a"}, [1], {**LINE, "check": 3}]
)
def test_a_line_that_is_no_finding_is_named(tmp_path: Path, bad: object) -> None:
    with pytest.raises(DataError) as caught:
        read_findings(written(tmp_path / "f.jsonl", LINE, bad))
    assert caught.value.where.endswith("f.jsonl:2")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_findings(tmp_path / "none.jsonl")


def test_one_place_however_it_is_written(tmp_path: Path) -> None:
    freeze([demo("a")], tmp_path / "snap")
    assert place_of(str(tmp_path / "snap" / "records.jsonl")) == place_of(str(tmp_path / "x" / ".." / "snap"))
