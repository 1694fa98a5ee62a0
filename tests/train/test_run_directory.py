from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tunesmith.core.errors import ConfigError
from tunesmith.train.run_directory import RunDirectory, provenance

CONFIG = {"stage": "sft", "optimizer": {"learning_rate": 1e-5, "betas": (0.9, 0.95)}, "data": {}, "seed": 1}


def facts() -> dict[str, object]:
    return provenance(parents={"model": "desk"}, snapshots={"data": "abc"}, command=["tunesmith", "train"])


def test_prepare_writes_config_and_provenance(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "runs" / "a")
    run.prepare(CONFIG, facts(), resume=False)
    assert yaml.safe_load(run.config.read_text())["optimizer"] == {"learning_rate": 1e-5, "betas": [0.9, 0.95]}
    saved = json.loads(run.provenance.read_text())
    assert saved["parents"] == {"model": "desk"} and saved["snapshots"] == {"data": "abc"}
    assert (
        saved["command"] == ["tunesmith", "train"] and "torch" in saved["versions"] and saved["time"].endswith("+00:00")
    )


def test_resuming_asks_for_the_same_config_and_names_the_keys(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.prepare(CONFIG, facts(), resume=True)
    run.prepare(CONFIG, facts(), resume=True)
    assert len(json.loads(run.provenance.read_text())["resumed"]) == 1
    other = {**CONFIG, "optimizer": {"learning_rate": 2e-5, "betas": (0.9, 0.95)}, "new": None}
    with pytest.raises(ConfigError) as caught:
        run.prepare(other, facts(), resume=True)
    assert caught.value.why == "new: 'absent' there, None here; optimizer.learning_rate: 1e-05 there, 2e-05 here"


def test_never_overwrites(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    run.prepare(CONFIG, facts(), resume=False)
    with pytest.raises(ConfigError, match="holds a run already"):
        run.prepare(CONFIG, facts(), resume=False)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter-1.tex").write_text("x")
    with pytest.raises(ConfigError, match="is not empty and holds no run"):
        RunDirectory(tmp_path / "thesis").prepare(CONFIG, facts(), resume=True)


def test_status_is_replaced_whole(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.write_status("running", 3, note="resumed")
    run.write_status("finished", 9)
    status = run.read_status()
    assert (status["state"], status["step"], status["note"]) == ("finished", 9, "") and status["pid"] > 0
    assert [p.name for p in tmp_path.iterdir()] == ["STATUS.json"]


def test_two_processes_cannot_write_to_one_run(tmp_path: Path) -> None:
    one, other = RunDirectory(tmp_path), RunDirectory(tmp_path)
    one.prepare(CONFIG, facts(), resume=False)
    other.unlock()
    one.lock()
    with pytest.raises(ConfigError, match="another process"):
        other.lock()
    one.unlock()
    other.lock()
    other.unlock()
