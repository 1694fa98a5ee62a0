from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.records import Demonstration, Message
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.recipes.check_data import Config, run
from tunesmith.store import freeze

GOOD = {"instruction": "Who wrote the letter?", "input": "", "output": "Ann wrote it."}


def put(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def checked(*paths: Path, out: Path, **given: object) -> RunResult:
    config = Config.model_validate({"data": tuple(map(str, paths)), "out": str(out), "workers": 1, **given})
    return run(config, RunContext(command="tunesmith data check a.jsonl"))


def test_three_files_and_what_to_fix_first(tmp_path: Path) -> None:
    bad = GOOD | {"output": "As an AI language model, I cannot help with that."}
    leak = GOOD | {"output": "Ask anna.berg@shop.org <script>alert(1)</script>"}
    file = put(tmp_path / "a.jsonl", *[GOOD] * 20, bad, leak, '{"instruction": "x')
    result = checked(file, out=tmp_path / "check")
    assert result.summary["findings"]["error"] == 1 and result.summary["failed"]
    assert "broken.json" in [fix["kind"] for fix in result.summary["fix_first"]]
    findings = [json.loads(line) for line in (tmp_path / "check" / "findings.jsonl").read_text().splitlines()]
    assert {(f["line"], f["check"]) for f in findings} >= {
        (21, "noise.refusal"),
        (22, "pii.email"),
        (23, "broken.json"),
    }
    summary = json.loads((tmp_path / "check" / "summary.json").read_text())
    assert summary["rows"] == 23 and summary["by_kind"]["pii.email"]["rows"] == 1
    assert summary["checks"]["tokens"]["numbers"]["measured_rows"] == 22
    page = (tmp_path / "check" / "report.html").read_text()
    assert "noise.refusal" in page and "Ann wrote it." in page and "<script" not in page
    assert "tunesmith data check a.jsonl" in page and "prefers-color-scheme: dark" in page


def test_the_threshold_decides_what_fails(tmp_path: Path) -> None:
    file = put(tmp_path / "a.jsonl", *[GOOD] * 5, GOOD | {"output": "TODO"})
    out = tmp_path / "check"
    assert not checked(file, out=out).summary["failed"]
    assert checked(file, out=out, fail_on="warning").summary["failed"]
    assert not checked(file, out=out, fail_on="never").summary["failed"]


def test_settings_and_chosen_checks(tmp_path: Path) -> None:
    file = put(tmp_path / "a.jsonl", *[GOOD] * 5, GOOD | {"output": "TODO"})
    result = checked(file, out=tmp_path / "check", checks=("tokens",), max_length=5)
    assert list(result.summary["checks"]) == ["tokens"]
    assert result.summary["by_kind"]["tokens.nothing_to_learn"]["rows"] == 6
    with pytest.raises(ConfigError, match="unknown check"):
        checked(file, out=tmp_path / "check", checks=("toks",))


def test_a_snapshot_is_checked_too(tmp_path: Path) -> None:
    record = Demonstration(messages=(Message("user", "Who?"), Message("assistant", "TODO")))
    freeze([record], tmp_path / "snap")
    result = checked(tmp_path / "snap", out=tmp_path / "check")
    assert result.summary["formats"] == {str(tmp_path / "snap"): "snapshot"}
    assert result.summary["by_kind"]["noise.placeholder"]["rows"] == 1


def test_a_failure_leaves_the_older_files_as_they_were(tmp_path: Path) -> None:
    good = put(tmp_path / "a.jsonl", *[GOOD] * 5, GOOD | {"output": "TODO"})
    out = tmp_path / "check"
    checked(good, out=out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    unknown = put(tmp_path / "b.jsonl", {"x": 1})
    with pytest.raises(DataError):
        checked(good, unknown, out=out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
