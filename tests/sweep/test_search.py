"""Real processes throughout; most of them the small program, which starts in milliseconds."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunesmith.core.errors import ConfigError, TunesmithError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.recipes.sft import Config
from tunesmith.sweep.plan import Plan, SweepConfig, make_plan
from tunesmith.sweep.search import Machinery, run_sweep

SMALL = (sys.executable, str(Path(__file__).with_name("small_trial.py")))
RATE = "engine.optimizer.learning_rate"
GRID = {"learning_rate": "1e-4,1e-3", "global_batch_size": "2,4"}


def small_plan(model: str = "desk", step_s: float = 0.001, **settings: Any) -> Plan:
    config = Config(model=model, max_steps=4, ptx_share=step_s, engine={"validate_every": 1})  # type: ignore[arg-type]
    chosen = {"over": GRID, "sampler": "grid", "workers": 2, "baseline": False, **settings}
    return make_plan("sft", config, SweepConfig(**chosen))


def context_of() -> RunContext:
    return RunContext(command="tunesmith sweep sft", environment=os.environ)


def sweep(out: Path, model: str = "desk", step_s: float = 0.001, **settings: Any) -> tuple[RunResult, int]:
    return run_sweep(small_plan(model, step_s, **settings), out, context_of(), Machinery(program=SMALL))


def results(out: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((out / "results.json").read_text())
    return body


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 240
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_grid_is_tried_exactly_once_each(tmp_path: Path) -> None:
    result, code = sweep(tmp_path / "s", confirm_seeds=2, baseline=True)
    body = results(tmp_path / "s")
    tried = [(t["values"][RATE], t["values"]["global_batch_size"]) for t in body["trials"]]
    assert tried == list(itertools.product([1e-4, 1e-3], [2, 4])) and code == 0
    assert [t["value"] for t in body["trials"]] == pytest.approx([1.25, 1.25, 0.25, 0.25])
    assert body["best"]["name"] == "0002" and body["best"]["best_step"] == 4
    assert body["baseline"]["value"] == pytest.approx(1.25)
    assert body["confirmation"]["difference"]["value"] == pytest.approx(-1.0)
    assert "better than the given" in body["confirmation"]["verdict"]
    best = (tmp_path / "s" / "best.yaml").read_text()
    assert "learning_rate: 0.001" in best and "best of a sweep" in best
    assert result.next_command.startswith(f"tunesmith train sft --config {tmp_path}/s/best.yaml")
    page = (tmp_path / "s" / "report.html").read_text()
    assert "trial 0002" in page and "<script" not in page and page.count("<svg") == 3


def test_what_mattered_is_said_of_ten_trials_and_not_of_fewer(tmp_path: Path) -> None:
    rates = ["1e-5", "2e-5", "5e-5", "1e-4", "2e-4"]
    sweep(tmp_path / "s", over={"learning_rate": ",".join(rates), "global_batch_size": "2,4"})
    assert results(tmp_path / "s")["importance"][RATE] > 0.9, "the batch's size changes nothing"
    assert "Fewer than ten" not in (tmp_path / "s" / "report.html").read_text()


def test_failures_are_listed_with_their_first_line_and_exit_4(tmp_path: Path) -> None:
    result, code = sweep(tmp_path / "s", "fails-high", over={"learning_rate": "1e-3,1e-1"})
    assert code == 4
    assert result.summary["failures"] == {"0001": "step 1: NaN or infinity"}
    assert "step 1: NaN or infinity" in (tmp_path / "s" / "report.html").read_text()


def test_a_killed_worker_is_taken_up_again_and_listed(tmp_path: Path) -> None:
    _, code = sweep(tmp_path / "s", "dies-once", over={"learning_rate": "1e-3,1e-2"})
    trials = results(tmp_path / "s")["trials"]
    assert code == 0 and [t["retried"] for t in trials] == [1, 1]
    assert [t["kills"] for t in trials] == [["killed by SIGKILL"]] * 2
    assert [len(t["points"]) for t in trials] == [4, 4]


def test_retries_are_bounded(tmp_path: Path) -> None:
    _, code = sweep(tmp_path / "s", "dies-high", over={"learning_rate": "1e-3,1e-1"}, retries=1)
    failed = results(tmp_path / "s")["trials"][1]
    assert code == 4 and failed["state"] == "failed" and failed["error"] == "killed by SIGKILL, 2 times"
    assert failed["retried"] == 1


def test_nothing_finished_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(TunesmithError, match=r"no trial finished .trial 0000: killed by SIGKILL, 1 times"):
        sweep(tmp_path / "s", "dies", over={"learning_rate": "1e-3,1e-1"}, retries=0)
    assert len(results(tmp_path / "s")["trials"]) == 2


def test_a_hopeless_trial_is_ended_early(tmp_path: Path) -> None:
    over = {"learning_rate": "1e-3,2e-3,5e-3,1e-6"}
    settings = {"pruner": "median", "startup_trials": 3, "workers": 1}
    _, code = sweep(tmp_path / "s", step_s=0.25, over=over, **settings)
    *_, last = results(tmp_path / "s")["trials"]
    assert code == 0 and last["state"] == "pruned" and len(last["points"]) < 4
    assert results(tmp_path / "s")["counts"]["pruned"] == 1


def test_started_again_it_runs_nothing_twice_and_can_be_extended(tmp_path: Path) -> None:
    settings = {"over": {"learning_rate": "log:1e-5..1e-1"}, "sampler": "random"}
    sweep(tmp_path / "s", **settings, trials=2)
    before = results(tmp_path / "s")["trials"]
    sweep(tmp_path / "s", **settings, trials=3)
    after = results(tmp_path / "s")["trials"]
    assert after[:2] == before and len(after) == 3
    assert len({t["values"][RATE] for t in after}) == 3
    starts = [len((tmp_path / "s/trials" / t["name"] / "starts").read_text().splitlines()) for t in after]
    assert starts == [1, 1, 1]


def test_another_sweep_does_not_get_into_the_folder(tmp_path: Path) -> None:
    sweep(tmp_path / "s", over={"learning_rate": "1e-3,1e-2"})
    with pytest.raises(ConfigError, match=r"holds a sweep with other settings .settings.over.learning_rate"):
        sweep(tmp_path / "s", over={"learning_rate": "1e-3,1e-1"})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(ConfigError, match="holds no sweep"):
        sweep(tmp_path / "other")


def test_threads_are_shared_and_the_environment_does_not_undo_a_trial(tmp_path: Path) -> None:
    sweep(tmp_path / "s", over={"learning_rate": "1e-3,1e-2"}, threads=3)
    assert (tmp_path / "s/trials/0000/starts").read_text().split()[1] == "3"


PARENT = """
import os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.sweep.test_search import sweep
sweep(Path({out!r}), "dies-once", 0.25, over={{"learning_rate": "1e-3,1e-2,1e-1,1e-4"}})
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_killed_parent_loses_no_finished_trial(tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "s"
    program = PARENT.format(root=str(Path(__file__).parents[2]), out=str(out))
    parent = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    wait_until(lambda: (out / "trials/0000.json").exists() and (out / "trials/0002/starts").exists())
    parent.send_signal(number)
    assert parent.wait(60) == (-signal.SIGKILL if number == signal.SIGKILL else 143)
    pids = [int(p.read_text().split()[0]) for p in out.glob("trials/*/starts")]
    wait_until(lambda: not any(alive(pid) for pid in pids))
    finished = {p.name: p.read_bytes() for p in out.glob("trials/*.json") if not p.name.endswith(".answer.json")}
    assert finished
    _, code = sweep(out, "dies-once", step_s=0.25, over={"learning_rate": "1e-3,1e-2,1e-1,1e-4"})
    assert code == 0
    assert {name: (out / "trials" / name).read_bytes() for name in finished} == finished
    body = results(out)
    assert [t["state"] for t in body["trials"]] == ["finished"] * 4
    # A trial that was under way goes on: its steps are there once each.
    assert [[step for step, _ in t["points"]] for t in body["trials"]] == [[1, 2, 3, 4]] * 4
    assert [(t["kills"], t["retried"]) for t in body["trials"]] == [(["killed by SIGKILL"], 1)] * 4


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
