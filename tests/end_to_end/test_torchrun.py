"""torchrun's ranks train the model that one process trains, and speak with one voice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.small_runs import Workshop


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("ranks"))


def torchrun(workshop: Workshop, stage: str, name: str) -> subprocess.CompletedProcess[str]:
    settings: dict[str, Any] = workshop.settings(stage)
    config = workshop.folder / f"{name}.yaml"
    config.write_text(json.dumps({**settings, "engine": {**settings["engine"], "log_every": 1}}))
    words = ["train", stage, "--config", str(config), "--out", str(workshop.folder / name), "--json"]
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node=2",
            "-m",
            "tunesmith",
            *words,
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    "stage", ["sft", *(pytest.param(s, marks=pytest.mark.slow) for s in ("pretrain", "reward", "dpo"))]
)
def test_t_ga_5_two_ranks_of_a_recipe_equal_one_process(workshop: Workshop, stage: str) -> None:
    done = torchrun(workshop, stage, f"{stage}-ranks")
    assert done.returncode == 0, done.stderr
    alone = workshop.run(stage, f"{stage}-alone")
    said = json.loads(done.stdout)  # one object: the other rank is silent
    assert (said["steps"], said["tokens"]) == (alone.summary["steps"], alone.summary["tokens"])
    ours, theirs = workshop.weights(f"{stage}-ranks"), workshop.weights(f"{stage}-alone")
    assert ours.keys() == theirs.keys()
    # Adam divides by the gradient's size: the order of a sum shows in the fourth digit of a step.
    assert all(torch.allclose(ours[name], theirs[name], atol=2e-3, rtol=0) for name in ours)
    assert any(not torch.equal(ours[name], torch.zeros_like(ours[name])) for name in ours)


@pytest.mark.slow
def test_ppo_refuses_ranks_before_it_writes(workshop: Workshop) -> None:
    done = torchrun(workshop, "ppo", "ppo-ranks")
    assert done.returncode != 0 and "ppo runs in one process" in done.stderr
    assert not Path(workshop.folder / "ppo-ranks").exists()
