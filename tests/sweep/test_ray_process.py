from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tunesmith.core.errors import EnvironmentProblem
from tunesmith.sweep.ray_process import ray_starter

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.sweep.test_search import SMALL, context_of, small_plan
from tunesmith.sweep.ray_process import ray_starter
from tunesmith.sweep.search import Machinery, run_sweep
start = ray_starter(cores_each=1, log=print)
plan = small_plan("dies-once", 0.2, over={{"learning_rate": "1e-3,1e-2"}}, engine="ray")
print(run_sweep(plan, Path({out!r}), context_of(), Machinery(program=SMALL, start=start))[1])
"""


def test_without_ray_it_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EnvironmentProblem, match=r"Ray is not installed.*tunesmith\[ray\]"):
        ray_starter(cores_each=1, log=print)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_a_local_cluster_runs_trials_and_takes_up_killed_ones(tmp_path: Path) -> None:
    program = PROGRAM.format(root=str(ROOT), out=str(tmp_path / "s"))
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600, env=os.environ)
    assert ran.returncode == 0, ran.stderr[-2000:]
    trials = json.loads((tmp_path / "s" / "results.json").read_text())["trials"]
    assert [t["state"] for t in trials] == ["finished"] * 2 and [t["retried"] for t in trials] == [1, 1]
