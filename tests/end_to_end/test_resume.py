"""A run that was killed and resumed is the run that was not killed: T-RES-1, T-RES-3, T-RES-4, T-RES-5."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.small_runs import Workshop, same_weights
from tunesmith.core.errors import ConfigError
from tunesmith.train.checkpoint_folder import load_checkpoint
from tunesmith.train.engine import Engine

LORA = {"rank": 4, "dropout": 0.1}
PTX = {"ptx_coef": 0.5, "ptx_ratio": 1.0, "ptx_length": 16}
ADAPTIVE = {"kl_mode": "adaptive", "kl_coef": 0.05, "kl_target": 0.1, "kl_horizon": 40}
TWO_EPOCHS = {"total_episodes": 24, "rollout_batch_size": 8, "minibatch_size": 4, "max_tokens": 6, "num_ppo_epochs": 2}
SHARED = {**TWO_EPOCHS, "value_model": "shared", "value_warmup_iterations": 1}
# A name, the stage, and what its configuration has besides the workshop's.
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "pretrain": ("pretrain", {"validation_fraction": 0.2, "num_train_epochs": 4.0}),
    "sft": ("sft", {}),
    "sft_lora": ("sft", {"lora": LORA}),
    "reward": ("reward", {}),
    "dpo": ("dpo", {}),
    "dpo_lora": ("dpo", {"lora": LORA}),
    "ppo_ptx_adaptive": ("ppo", {"kl": ADAPTIVE, "ptx": PTX, "ppo": TWO_EPOCHS}),
    "ppo_shared": ("ppo", {"kl": ADAPTIVE, "ptx": PTX, "ppo": SHARED, "value_learning_rate_factor": 3.0}),
    "grpo": ("grpo", {}),
    "distill": ("distill", {}),
}


class Killed(BaseException):
    """Not an Exception, so that nothing between here and the test handles it."""


def kill_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Make the process "die" once optimizer step `step` is done, before anything can be saved of it."""
    whole = Engine._train_step

    def dying(self: Engine, *arguments: Any) -> None:
        whole(self, *arguments)
        if self.step == step:
            raise Killed

    monkeypatch.setattr(Engine, "_train_step", dying)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("resume"))


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n == "dpo_lora" else n for n in RUNS])
def test_t_res_1_a_killed_run_continues_bit_for_bit(
    name: str, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-RES-1, T-RES-3 and, for ppo, grpo and distill, T-RES-4: the last checkpoint is one step older than the kill."""
    stage, more = RUNS[name]
    straight = workshop.run(stage, f"{name}-straight", **more)
    steps = straight.summary["steps"]
    assert steps >= 6
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 7 if stage == "ppo" else 3)  # in PPO, after the KL coefficient has moved
        workshop.run(stage, f"{name}-resumed", **more)
    assert not (workshop.folder / f"{name}-resumed" / "model").exists()
    assert workshop.run(stage, f"{name}-resumed", **more).summary["steps"] == steps
    assert same_weights(workshop.weights(f"{name}-straight"), workshop.weights(f"{name}-resumed"))
    rows = workshop.metrics(f"{name}-straight")
    assert [row["step"] for row in rows if "train/loss" in row] == list(range(1, steps + 1))
    assert workshop.metrics(f"{name}-resumed") == rows


def test_t_res_4_the_checkpoint_holds_everything_that_a_ppo_run_goes_on_from(workshop: Workshop) -> None:
    """The KL coefficient that moved, both cycles, and the rollout in hand."""
    workshop.run("ppo", "ppo-state", **RUNS["ppo_ptx_adaptive"][1])
    tree = load_checkpoint(max((workshop.folder / "ppo-state" / "checkpoints").glob("step-*"))).tree
    source = tree["ranks"][0]["source"]
    assert source["kl"]["coef"] != pytest.approx(0.05, abs=1e-6)
    assert source["experience"]["episodes"]["shape"].shape[0] == 8
    assert source["ptx"]["taken"] != source["prompts"]["taken"]
    coefficients = [row["ppo/kl_coef"] for row in workshop.metrics("ppo-state") if "ppo/kl_coef" in row]
    assert len(set(coefficients)) == 3 and coefficients[0] == pytest.approx(0.05)


@pytest.mark.parametrize(
    "name",
    ["sft", "grpo", "distill", *(pytest.param(n, marks=pytest.mark.slow) for n in ("reward", "ppo_ptx_adaptive"))],
)
def test_t_res_5_the_seed_and_nothing_else_decides(name: str, workshop: Workshop) -> None:
    stage, more = RUNS[name]
    for label, seed in (("one", 3), ("two", 3), ("three", 4)):
        workshop.run(stage, f"{name}-{label}", **{**more, "seed": seed})
    assert same_weights(workshop.weights(f"{name}-one"), workshop.weights(f"{name}-two"))
    assert workshop.metrics(f"{name}-one") == workshop.metrics(f"{name}-two")
    assert not same_weights(workshop.weights(f"{name}-one"), workshop.weights(f"{name}-three"))


def test_t_res_3_another_data_set_is_refused(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files, but with a row less: the epoch's permutation would be another one."""
    data = workshop.folder / "shrinking.jsonl"
    rows = Path(workshop.demonstrations).read_bytes().splitlines(keepends=True)
    data.write_bytes(b"".join(rows))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 3)
        workshop.run("sft", "shrinking", data=(str(data),), max_steps=6)
    data.write_bytes(b"".join(rows[:-1]))
    with pytest.raises(ConfigError, match="9 rows"):
        workshop.run("sft", "shrinking", data=(str(data),), max_steps=6)
    assert not (workshop.folder / "shrinking" / "model").exists()


CHILD = """
import sys
from pathlib import Path
from tunesmith.core.run_context import RunContext
from tunesmith.recipes import ppo
config = ppo.Config.model_validate_json(Path(sys.argv[1]).read_text())
ppo.run(config, RunContext(command="test"))
"""


@pytest.mark.slow
def test_t_res_1_a_run_that_the_system_killed(workshop: Workshop, tmp_path: Path) -> None:
    """SIGKILL to a real process in the middle of PPO, then the same run in this process."""
    more = {**RUNS["ppo_ptx_adaptive"][1], "ppo": {**TWO_EPOCHS, "total_episodes": 80}}
    settings = {**workshop.settings("ppo"), **more, "out": str(workshop.folder / "shot")}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    out = workshop.folder / "shot"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "config.json")],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while child.poll() is None and time.monotonic() < deadline and not _steps(out, 5):
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "it ended before it could be shot"
    workshop.run("ppo", "shot", **more)
    straight = workshop.run("ppo", "unharmed", **more)
    assert straight.summary["steps"] == 40
    assert same_weights(workshop.weights("shot"), workshop.weights("unharmed"))
    assert workshop.metrics("shot") == workshop.metrics("unharmed")


def _steps(out: Path, at_least: int) -> bool:
    metrics = out / "metrics.jsonl"
    return metrics.is_file() and metrics.read_bytes().count(b"\n") >= at_least
