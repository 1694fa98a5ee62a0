from __future__ import annotations

import json
import time
from pathlib import Path

from .shell import Shell


def make_run(path: Path, *, lr: float, loss: float, torn: bool = False) -> Path:
    path.mkdir(parents=True)
    (path / "STATUS.json").write_text(
        json.dumps({"state": "finished", "step": 10, "time": "2025-01-01T00:00:00+00:00"})
    )
    (path / "config.yaml").write_text(f"optimizer:\n  learning_rate: {lr}\nseed: 1\n")
    rows = [{"step": 5, "train/loss": 9.0, "eval/loss": 8.0}, {"step": 10, "train/loss": loss}]
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + ('{"step": 11, "tr' * torn))
    return path


def test_ls_lists_runs_at_any_of_three_depths(shell: Shell, tmp_path: Path) -> None:
    make_run(tmp_path / "a", lr=1e-4, loss=2.0)
    make_run(tmp_path / "quick" / "sft", lr=1e-4, loss=2.0)
    ran = shell("runs", "ls", tmp_path)
    assert [line.split()[:3] for line in ran.out.splitlines()] == [
        ["run", "state", "step"],
        [str(tmp_path / "a"), "finished", "10"],
        [str(tmp_path / "quick/sft"), "finished", "10"],
    ]
    assert shell("runs", "ls", tmp_path, "--json").json["runs"][0]["state"] == "finished"


def test_ls_of_nothing(shell: Shell, tmp_path: Path) -> None:
    assert shell("runs", "ls", tmp_path).out == f"no runs under {tmp_path}\n"
    assert shell("runs", "ls", tmp_path / "no").code == 2


def test_show_gives_the_newest_of_each_metric(shell: Shell, tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", lr=1e-4, loss=2.0, torn=True)
    ran = shell("runs", "show", run, "--json")
    assert ran.json["metrics"] == {"train/loss": 2.0, "eval/loss": 8.0}
    assert ran.json["config"]["optimizer"] == {"learning_rate": 0.0001}
    assert "1 line(s) cut short" in ran.err


def test_show_refuses_what_is_no_run(shell: Shell, tmp_path: Path) -> None:
    assert shell("runs", "show", tmp_path).code == 2
    (tmp_path / "STATUS.json").write_text("{")
    assert shell("runs", "show", tmp_path).code == 3


def test_compare_shows_what_differs(shell: Shell, tmp_path: Path) -> None:
    first = make_run(tmp_path / "a", lr=1e-4, loss=2.0)
    second = make_run(tmp_path / "b", lr=1e-5, loss=3.0)
    body = shell("runs", "compare", first, second, "--json").json
    assert body["differing"] == {"optimizer.learning_rate": [1e-4, 1e-5]}
    assert body["metrics"]["train/loss"] == [2.0, 3.0]
    assert "optimizer.learning_rate" in shell("runs", "compare", first, second).out
    assert shell("runs", "compare", first).code == 2


def test_compare_takes_folders_and_draws_a_page(shell: Shell, tmp_path: Path) -> None:
    for i in range(6):
        make_run(tmp_path / "sweep" / "trials" / f"{i:04d}", lr=1e-4 * (i + 1), loss=2.0 + i)
    page = tmp_path / "pages" / "runs.html"
    ran = shell("runs", "compare", tmp_path / "sweep", "--out", page)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0].split() == ["optimizer.learning_rate", "train/loss", "eval/loss"]
    assert len(ran.out.splitlines()) == 8 and str(page) in ran.out.splitlines()[-1]
    html = page.read_text()
    assert "6 runs that differ in 1 setting<" in html and html.count("<svg") == 1 and "<script" not in html


def test_hundreds_of_runs_are_listed_quickly(shell: Shell, tmp_path: Path) -> None:
    for i in range(300):
        make_run(tmp_path / f"{i:03d}", lr=1e-4, loss=2.0)
    started = time.process_time()
    assert len(shell("runs", "ls", tmp_path, "--json").json["runs"]) == 300
    assert time.process_time() - started < 3
