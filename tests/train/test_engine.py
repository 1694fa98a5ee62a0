"""The loop: what it writes, what it refuses, and that a broken run continues bit for bit."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from tests.train.toy_training import (
    FixedSource,
    Row,
    ToyBatch,
    ToyModel,
    ToySource,
    toy_config,
    toy_model,
    toy_objective,
    toy_rows,
    toy_run,
    toy_task,
)
from tunesmith.core.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    EnvironmentProblem,
    NumericalError,
)
from tunesmith.train.checkpoint import CheckpointManager
from tunesmith.train.checkpoint_folder import load_checkpoint
from tunesmith.train.durable import write_synced
from tunesmith.train.engine import Engine, train
from tunesmith.train.engine_config import EngineConfig
from tunesmith.train.objective import LossOutput, MetricSum, MicroBatch
from tunesmith.train.run_directory import RunDirectory
from tunesmith.train.state_tree import equal
from tunesmith.train.task import TrainingTask

FULL: dict[str, Any] = {
    "ema_decay": 0.9,
    "schedule": {"kind": "cosine", "warmup_steps": 2},
    "validate_every": 3,
    "early_stopping": {"metric": "validation/loss", "mode": "max", "patience": 50},  # the first is the best
    "checkpoint": {"every": 2},
}


class Killed(BaseException):
    """Stands for a kill inside the process: nothing may catch it."""


def kill_at(step: int) -> Callable[[int], None]:
    def check(done: int) -> None:
        if done == step:
            raise Killed

    return check


class Fixture:
    """A model with dropout, a shuffled source, and a validation that draws random numbers of three kinds."""

    def __init__(self, path: Path, *, steps: int = 8, seed: int = 0, **config: Any) -> None:
        self.model = toy_model(dropout=0.3)
        self.source = ToySource(toy_rows(11), steps, seed=seed)
        self.run = toy_run(path)
        self.config = toy_config(**{"seed": seed, **FULL, **config})
        self.engine: Engine | None = None

    def validate(self) -> dict[str, float]:
        assert not self.model.training and not torch.is_grad_enabled()
        torch.rand(3), random.random(), np.random.rand()
        batch = ToyBatch(toy_rows(5, seed=9))
        return {"validation/loss": float(toy_objective(self.model)(batch).loss_sum) / batch.weight}

    def train(self, resume: Any = "auto", checkpoints: CheckpointManager | None = None) -> Any:
        task = toy_task(self.model, self.source, validate=self.validate)
        self.engine = Engine(task, self.config, self.run, checkpoints=checkpoints)
        return self.engine.train(resume)

    def metrics(self) -> list[dict[str, Any]]:
        """Every line, without the one number that depends on the clock."""
        lines = [json.loads(line) for line in self.run.metrics.read_text().splitlines()]
        for line in lines:
            line.pop("train/tokens_per_second", None)
        return lines

    def final(self) -> dict[str, Any]:
        """The last checkpoint: weights, moments, average, random numbers, data position; without the file offset."""
        newest = CheckpointManager(self.run.checkpoints).latest_valid()
        assert newest is not None
        newest.tree["progress"].pop("metrics_offset")
        return newest.tree


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    fixture = Fixture(tmp_path_factory.mktemp("unbroken"))
    fixture.train()
    return fixture


def assert_same(broken: Fixture, unbroken: Fixture, *, killed_at: int) -> None:
    for part, value in unbroken.final().items():
        assert equal(broken.final()[part], value), part
    assert equal(dict(broken.model.state_dict()), dict(unbroken.model.state_dict()))
    assert broken.metrics() == unbroken.metrics()
    done = killed_at // 2 * 2  # the last checkpoint
    assert broken.source.served == unbroken.source.served[done:]


@pytest.mark.parametrize("killed_at", [1, 4, 5, 7])
def test_t_res_1_2n_equals_n_kill_n(tmp_path: Path, unbroken: Fixture, killed_at: int) -> None:
    """T-RES-1, T-RES-3: weights, moments, average, generators, early stopping, data order, metrics.jsonl: bit-equal."""
    first = Fixture(tmp_path)
    first.source.after_step = kill_at(killed_at)
    with pytest.raises(Killed):
        first.train()
    second = Fixture(tmp_path)
    second.model.load_state_dict(toy_model(seed=99).state_dict())  # whatever it starts from must not matter
    torch.manual_seed(12345)
    if killed_at == 1:  # nothing saved yet: it starts over, from the same weights
        second = Fixture(tmp_path)
    second.train()
    assert_same(second, unbroken, killed_at=killed_at)


def test_the_state_holds_what_it_must(unbroken: Fixture) -> None:
    tree = unbroken.final()
    assert set(tree["optimizer"]["model.hidden.weight"]) == {"step", "exp_avg", "exp_avg_sq"}
    assert set(tree["ranks"][0]["rng"]) == {"python", "numpy", "torch", "cuda"}
    assert int(tree["modules"]["model"]["buffers"]["seen"]) > 0
    assert not equal(tree["ema"]["model.hidden.weight"], tree["modules"]["model"]["parameters"]["hidden.weight"])
    assert tree["progress"]["step"] == 8 and tree["early_stopping"]["best_step"] in (3, 6, 8)


CRASHING: dict[str, Any] = {"steps": 3, "checkpoint": {"every": 1}, "validate_every": 0, "early_stopping": None}


def test_t_res_2_crash_at_every_write_point_then_resume(tmp_path: Path) -> None:
    """T-RES-2 with the engine: at whichever kind of write it dies, the resumed run ends with the same bits.

    test_checkpoint.py crashes at every single point; here it is the last time each one is passed.
    """
    names: list[str] = []
    whole = Fixture(tmp_path / "whole", **CRASHING)
    whole.train(checkpoints=CheckpointManager(whole.run.checkpoints, on_point=names.append))
    reference = whole.final()
    last = {name: index for index, name in enumerate(names)}
    assert len(last) == 2 * 6 + 8  # before and after each file, and what surrounds them
    for name, index in last.items():
        passed: list[str] = []

        def crash(point: str, index: int = index, passed: list[str] = passed) -> None:
            passed.append(point)
            if len(passed) - 1 == index:
                raise Killed(point)

        first, second = (Fixture(tmp_path / str(index), **CRASHING) for _ in range(2))
        with pytest.raises(Killed):
            first.train(checkpoints=CheckpointManager(first.run.checkpoints, on_point=crash))
        second.train()
        assert equal(second.final(), reference), name
        assert second.metrics() == whole.metrics(), name
        assert not list(second.run.checkpoints.glob("*tmp*"))


def test_t_res_2_a_damaged_checkpoint_costs_one_interval_not_the_run(tmp_path: Path, unbroken: Fixture) -> None:
    first = Fixture(tmp_path)
    first.source.after_step = kill_at(5)
    with pytest.raises(Killed):
        first.train()
    path = first.run.checkpoints / "step-000004" / "optimizer.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    said: list[str] = []
    second = Fixture(tmp_path)
    second.train(checkpoints=CheckpointManager(second.run.checkpoints, say=said.append))
    assert "optimizer.safetensors: SHA-256 differs" in said[0] and "falling back" in said[1]
    assert equal(second.final(), unbroken.final()) and second.metrics() == unbroken.metrics()


def test_no_valid_checkpoint_never_starts_over(tmp_path: Path) -> None:
    first = Fixture(tmp_path)
    first.train()
    for manifest in first.run.checkpoints.glob("*/manifest.json"):
        manifest.unlink()
    with pytest.raises(CheckpointError, match="no checkpoint is valid"):
        Fixture(tmp_path).train()


def test_t_res_5_the_seed_decides(tmp_path: Path, unbroken: Fixture) -> None:
    """T-RES-5: same seed, same bits, whatever the generators held before; another seed, another run."""
    torch.manual_seed(777)
    random.seed(777)
    same, other = Fixture(tmp_path / "same"), Fixture(tmp_path / "other", seed=1)
    same.train()
    other.train()
    assert equal(same.final(), unbroken.final()) and same.metrics() == unbroken.metrics()
    assert not equal(other.final()["modules"], unbroken.final()["modules"])


def test_validation_and_checkpoints_change_nothing(tmp_path: Path, unbroken: Fixture) -> None:
    quiet = Fixture(tmp_path, validate_every=0, early_stopping=None, checkpoint={"every": 0})
    quiet.train()
    assert equal(quiet.final()["modules"], unbroken.final()["modules"])
    assert equal(quiet.final()["ranks"], unbroken.final()["ranks"])


def test_finished_run_resumes_to_nothing_and_the_modules_hold_the_average(tmp_path: Path, unbroken: Fixture) -> None:
    first = Fixture(tmp_path)
    result = first.train()
    again = Fixture(tmp_path)
    repeated = again.train()
    assert result == repeated and again.source.served == [] and again.metrics() == unbroken.metrics()
    average = first.final()["ema"]
    for model in (first.model, again.model):
        assert all(torch.equal(p, average[f"model.{name}"]) for name, p in model.named_parameters())


def test_resume_from_a_path_sets_newer_ones_aside(tmp_path: Path, unbroken: Fixture) -> None:
    Fixture(tmp_path).train()
    again = Fixture(tmp_path)
    kept = sorted(p.name for p in again.run.checkpoints.glob("step-*"))
    assert kept[-2:] == ["step-000006", "step-000008"]
    again.train(resume=again.run.checkpoints / "step-000006")
    assert len(again.source.served) == 2 and len(list(again.run.checkpoints.glob("step-000008.abandoned-*"))) == 1
    assert equal(again.final(), unbroken.final()) and again.metrics() == unbroken.metrics()
    with pytest.raises(ConfigError, match="is not a checkpoint folder"):
        Fixture(tmp_path).train(resume=tmp_path / "nowhere")


def test_resume_never_refuses_an_old_run(tmp_path: Path) -> None:
    Fixture(tmp_path, steps=2).train(resume="never")
    with pytest.raises(ConfigError, match="has checkpoints already"):
        Fixture(tmp_path, steps=2).train(resume="never")


def test_t_ga_4_training_does_not_depend_on_micro_batching(tmp_path: Path) -> None:
    """T-GA-4, T-GA-10: parameters after a few clipped steps agree for 1 x 4, 2 x 2 and 4 x 1."""
    weights = []
    for micro in (1, 2, 4):
        model, run = toy_model(), toy_run(tmp_path / str(micro))
        source = ToySource(toy_rows(11), 3, micro=micro)
        config = toy_config(optimizer={"learning_rate": 0.01, "eps": 1e-3, "max_grad_norm": 0.1})
        train(toy_task(model, source), config, run)
        weights.append({name: p.detach() for name, p in model.named_parameters()})
        norms = [json.loads(line)["train/grad_norm/model"] for line in run.metrics.read_text().splitlines()]
        assert min(norms) > 0.1  # every step was clipped
    for other in weights[1:]:
        assert all(torch.allclose(other[name], w, atol=1e-6, rtol=0) for name, w in weights[0].items())


def test_fixed_metric_names_and_the_schedule(tmp_path: Path) -> None:
    fixture = Fixture(tmp_path, tensorboard=True)
    fixture.train()
    lines = [json.loads(line) for line in fixture.run.metrics.read_text().splitlines()]
    steps = [line for line in lines if "train/loss" in line]
    names = {"step", "train/loss", "train/learning_rate", "train/grad_norm/model", "train/tokens_per_second"}
    assert set(steps[0]) == names | {"train/loss/toy", "toy/accuracy"}
    assert [line["step"] for line in steps] == list(range(1, 9))
    assert [line["train/learning_rate"] for line in steps[:3]] == pytest.approx([0.001, 0.0055, 0.01])
    assert [line["step"] for line in lines if "validation/loss" in line] == [3, 6, 8]
    assert list(fixture.run.tensorboard.iterdir()) and fixture.run.read_status()["state"] == "finished"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_sources_and_optimizers_compute_in_the_precision_of_training(tmp_path: Path, precision: str) -> None:
    seen, updates = [], []

    class Watched(ToySource):
        def next_step(self) -> Any:
            seen.append(torch.is_autocast_enabled("cpu"))
            return super().next_step()

    watching = register_optimizer_step_pre_hook(lambda *_: updates.append(torch.is_autocast_enabled("cpu")))
    train(toy_task(toy_model(), Watched(toy_rows(4), 2)), toy_config(precision=precision), toy_run(tmp_path))
    watching.remove()
    assert set(seen) == set(updates) == {precision == "bf16"}


def test_learns(tmp_path: Path) -> None:
    """One rule for all rows: the loss falls well below ln 13."""
    model = toy_model()
    config = toy_config(optimizer={"learning_rate": 0.05}, log_every=10)
    source = ToySource(toy_rows(30), 60, per_step=10, micro=10)
    train(toy_task(model, source), config, toy_run(tmp_path))
    losses = [json.loads(line)["train/loss"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert len(losses) == 6 and losses[0] > 1.0 and losses[-1] < 0.3


def masked(row: Row) -> Row:
    return Row(row.ids, row.targets, [False] * len(row.ids), row.key)


def test_steps_without_weight_are_counted_and_change_nothing(tmp_path: Path) -> None:
    rows, model = toy_rows(4), toy_model()
    steps = [[ToyBatch(rows[:2])], [ToyBatch([masked(rows[2])])], []]
    result = train(toy_task(model, FixedSource(steps)), toy_config(), toy_run(tmp_path / "a"))
    alone = toy_model()
    config = toy_config(schedule={"kind": "cosine"})
    train(toy_task(alone, FixedSource(steps[:1])), config, toy_run(tmp_path / "b"))
    assert result.empty_steps == 2 and result.steps == 3
    assert equal(dict(model.named_parameters()), dict(alone.named_parameters()))
    lines = [json.loads(line) for line in (tmp_path / "a" / "metrics.jsonl").read_text().splitlines()]
    assert lines[1]["train/loss"] is None and lines[1]["train/empty_steps"] == 1


def test_all_labels_masked_is_a_data_error(tmp_path: Path) -> None:
    source = FixedSource([[ToyBatch([masked(row)])] for row in toy_rows(3)])
    with pytest.raises(DataError, match="all labels are masked"):
        train(toy_task(toy_model(), source), toy_config(), toy_run(tmp_path))
    assert toy_run(tmp_path).read_status()["state"] == "failed"
    with pytest.raises(DataError, match="nothing to train on"):
        train(toy_task(toy_model(), FixedSource([])), toy_config(), toy_run(tmp_path / "none"))


class Spiked(ToyModel):
    """Gives NaN when it meets the last token id."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = super().forward(ids)
        return torch.where((ids == 12).any(), torch.full_like(logits, float("nan")), logits)


def test_nan_in_a_step_leaves_the_weights_of_the_step_before(tmp_path: Path) -> None:
    good = Row([1, 2], [3, 4], [True, True], "good")
    bad = Row([12], [1], [True], "bad")
    torch.manual_seed(0)
    model = Spiked()
    start = {name: p.detach().clone() for name, p in model.named_parameters()}
    before: list[dict[str, torch.Tensor]] = []

    class Watched(FixedSource):
        def next_step(self) -> list[Any] | None:
            before.append({name: p.detach().clone() for name, p in model.named_parameters()})
            return super().next_step()

    source = Watched([[ToyBatch([good])], [ToyBatch([good]), ToyBatch([bad])]])
    engine = Engine(toy_task(model, source), toy_config(), toy_run(tmp_path))
    with pytest.raises(NumericalError, match=r"step 2: .*records bad"):
        engine.train()
    assert not equal(before[1], start)
    assert equal(before[1], {name: p.detach() for name, p in model.named_parameters()})
    status = toy_run(tmp_path).read_status()
    assert (status["state"], status["step"]) == ("failed", 1) and "records bad" in status["note"]


def test_nan_in_initial_weights_stops_before_anything(tmp_path: Path) -> None:
    fixture = Fixture(tmp_path)
    with torch.no_grad():
        fixture.model.norm.weight[0] = float("inf")
    with pytest.raises(NumericalError, match=r"model\.norm\.weight"):
        fixture.train()
    assert fixture.source.served == []


def full_disk(saves: set[int]) -> Callable[[Path, bytes], None]:
    """Fails at the second file of the given saves (counted from 1)."""
    count = {"save": 0}

    def write(path: Path, data: bytes) -> None:
        count["save"] += path.name == "modules.safetensors"
        if path.name == "optimizer.safetensors" and count["save"] in saves:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write_synced(path, data)

    return write


def test_a_full_disk_is_survived_and_tried_again(tmp_path: Path, unbroken: Fixture) -> None:
    said: list[str] = []
    fixture = Fixture(tmp_path)
    directory = fixture.run.checkpoints
    result = fixture.train(checkpoints=CheckpointManager(directory, write=full_disk({2, 3}), say=said.append))
    assert len(said) == 2 and "No space left on device" in said[0]
    assert result.checkpoint == directory / "step-000008" and equal(fixture.final(), unbroken.final())


def test_three_full_disks_stop_the_run_with_what_was_saved(tmp_path: Path) -> None:
    fixture = Fixture(tmp_path, validate_every=0, early_stopping=None)
    manager = CheckpointManager(fixture.run.checkpoints, write=full_disk({2, 3, 4}), say=lambda text: None)
    with pytest.raises(EnvironmentProblem, match="3 failures in a row"):
        fixture.train(checkpoints=manager)
    assert manager.steps() == [2] and fixture.run.read_status()["state"] == "failed"


def test_no_room_is_refused_before_the_first_step(tmp_path: Path) -> None:
    fixture = Fixture(tmp_path)
    manager = CheckpointManager(fixture.run.checkpoints, free_bytes=lambda path: 5000)
    with pytest.raises(EnvironmentProblem, match="bytes needed, 5000 free"):
        fixture.train(checkpoints=manager)
    assert fixture.source.served == []


def following(path: Path, values: list[float], **more: Any) -> tuple[Any, ToyModel]:
    """A run of 8 steps, validated at each, whose validations are `values`."""
    model, given = toy_model(), iter(values)
    config = toy_config(
        validate_every=1, early_stopping={"metric": "m", "patience": 2}, schedule={"kind": "constant"}, **more
    )
    task = toy_task(model, ToySource(toy_rows(11), 8), validate=lambda: {"m": next(given)})
    return train(task, config, toy_run(path)), model


def test_early_stopping_and_the_best_checkpoint(tmp_path: Path) -> None:
    result, model = following(
        tmp_path, [3.0, 2.0, 2.5, 2.5], checkpoint={"every": 1, "keep": 2, "load_best_at_end": True}
    )
    assert (result.steps, result.stopped_early, result.best_step) == (4, True, 2)
    assert sorted(p.name for p in (tmp_path / "checkpoints").glob("step-*")) == [f"step-00000{i}" for i in (2, 3, 4)]
    best = load_checkpoint(tmp_path / "checkpoints" / "step-000002").tree["modules"]["model"]["parameters"]
    assert all(torch.equal(p, best[name]) for name, p in model.named_parameters())
    resumed, _ = following(tmp_path, [], checkpoint={"every": 1, "keep": 2, "load_best_at_end": True})
    assert resumed.stopped_early and resumed.steps == 4


def test_an_improvement_is_saved_between_intervals(tmp_path: Path) -> None:
    following(tmp_path, [3.0, 4.0, 2.0, 2.5, 2.5], checkpoint={"every": 0})
    assert sorted(p.name for p in (tmp_path / "checkpoints").glob("step-*"))[:2] == ["step-000001", "step-000003"]


def test_the_average_is_what_is_validated(tmp_path: Path) -> None:
    """T-RL-20 in the engine: one update per optimizer step, swapped in for validation, the weights untouched by it."""
    model, seen = toy_model(), []
    start = model.hidden.weight.detach().clone()
    weights: list[torch.Tensor] = []
    source = ToySource(toy_rows(11), 3)
    source.after_step = lambda step: weights.append(model.hidden.weight.detach().clone())

    def validate() -> dict[str, float]:
        seen.append(model.hidden.weight.detach().clone())
        return {"m": 0.0}

    train(toy_task(model, source, validate=validate), toy_config(ema_decay=0.9, validate_every=1), toy_run(tmp_path))
    average = start
    for after, shown in zip(weights[1:], seen, strict=True):
        average = 0.9 * average + 0.1 * after
        assert torch.allclose(shown, average, atol=1e-7)
    assert torch.equal(model.hidden.weight, seen[-1])


def test_frozen_parameters_are_left_alone_and_checked(tmp_path: Path) -> None:
    """LoRA's case: only what requires a gradient is trained and saved; another frozen base is refused."""

    def frozen(seed: int) -> ToyModel:
        model = toy_model(seed)
        model.table.requires_grad_(False)
        return model

    model = frozen(0)
    before = model.table.weight.clone()
    train(toy_task(model, ToySource(toy_rows(11), 2)), toy_config(), toy_run(tmp_path))
    assert torch.equal(model.table.weight, before)
    saved = load_checkpoint(tmp_path / "checkpoints" / "step-000002").tree
    assert "table.weight" not in saved["modules"]["model"]["parameters"] and len(saved["frozen"]) == 64
    with pytest.raises(CheckpointError, match="the frozen weights are others"):
        train(toy_task(frozen(1), ToySource(toy_rows(11), 4)), toy_config(), toy_run(tmp_path))


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    train(toy_task(toy_model(), ToySource(toy_rows(11), 2)), toy_config(), toy_run(tmp_path))
    with pytest.raises(CheckpointError, match=r"the checkpoint lacks|the model lacks"):
        train(toy_task(toy_model(tied=True), ToySource(toy_rows(11), 4)), toy_config(), toy_run(tmp_path))
    with pytest.raises(CheckpointError, match="written without ema"):
        train(toy_task(toy_model(), ToySource(toy_rows(11), 4)), toy_config(ema_decay=0.9), toy_run(tmp_path))


def test_two_modules_are_clipped_and_paced_apart(tmp_path: Path) -> None:
    policy, value = toy_model(), toy_model(1)
    objectives = {"policy": toy_objective(policy), "value": toy_objective(value)}
    rows = toy_rows(4)
    task = TrainingTask(
        modules={"policy": policy, "value": value},
        objective=lambda batch: objectives[batch.kind](batch),
        source=FixedSource([[ToyBatch(rows[:2], "policy"), ToyBatch(rows[2:], "value")]]),
        loss_coefs={"value": 0.0},
        learning_rate_factors={"policy": 2.0},
    )
    before = value.out.weight.detach().clone()
    train(task, toy_config(optimizer={"learning_rate": 0.01}), toy_run(tmp_path))
    line = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert "train/grad_norm/policy" in line and "train/grad_norm/value" not in line
    assert torch.equal(value.out.weight, before) and line["train/loss"] == pytest.approx(line["train/loss/policy"])
    assert line["train/loss/value"] > 0
    moved = (policy.out.weight - toy_model().out.weight).abs().max()
    assert moved.item() == pytest.approx(0.02, rel=1e-3)  # Adam's first step is one learning rate


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_finishes_the_step_saves_and_resumes_bit_equal(
    tmp_path: Path, unbroken: Fixture, number: int, code: int
) -> None:
    first = Fixture(tmp_path)
    first.source.after_step = lambda step: os.kill(os.getpid(), number) if step == 4 else None
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(SystemExit) as caught:
        first.train()
    assert caught.value.code == code and len(first.source.served) == 5
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers
    status = first.run.read_status()
    assert (status["state"], status["step"]) == ("interrupted", 5)
    second = Fixture(tmp_path)
    second.train()
    assert second.source.served == unbroken.source.served[5:]
    assert equal(second.final(), unbroken.final()) and second.metrics() == unbroken.metrics()


def slow_run(folder: str) -> None:
    """A run in a process of its own that takes long enough to be killed."""
    torch.set_num_threads(1)
    fixture = Fixture(Path(folder), steps=400, **SLOW)
    fixture.source.after_step = lambda step: time.sleep(0.01)
    fixture.train()


SLOW: dict[str, Any] = {"validate_every": 0, "early_stopping": None, "checkpoint": {"every": 3}}


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As the other process: the last digit of a norm depends on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_process_that_is_killed_or_asked_to_stop_resumes(
    tmp_path: Path, number: int, code: int, one_thread: None
) -> None:
    """R2, R3: a real process, a real signal; what it left is resumed, and the loss curve has no gap and no double."""
    multiprocessing.set_forkserver_preload(["pytest", "torch._dynamo", "tunesmith.train.engine"])
    child = multiprocessing.get_context("forkserver").Process(target=slow_run, args=(str(tmp_path),))
    child.start()
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "checkpoints").glob("step-??????"))) < 2:
        assert child.is_alive() and time.monotonic() < deadline
        time.sleep(0.01)
    assert child.pid is not None
    os.kill(child.pid, number)
    child.join(60)
    assert child.exitcode == code
    steps = CheckpointManager(tmp_path / "checkpoints").steps()[0] + 4
    resumed, whole = Fixture(tmp_path, steps=400, **SLOW), Fixture(tmp_path / "whole", steps=400, **SLOW)
    for fixture in (resumed, whole):
        fixture.source.after_step = kill_at(steps)
        with pytest.raises(Killed):
            fixture.train()
    assert resumed.metrics() == whole.metrics() and len(whole.metrics()) == steps
    assert equal(dict(resumed.model.state_dict()), dict(whole.model.state_dict()))


def test_an_error_of_the_objective_passes_through_and_is_in_the_status(tmp_path: Path) -> None:
    def broken(batch: MicroBatch) -> LossOutput:
        raise RuntimeError("out of memory")

    model = toy_model()
    task = TrainingTask(modules={"model": model}, objective=broken, source=ToySource(toy_rows(4), 2))
    with pytest.raises(RuntimeError, match="out of memory"):
        train(task, toy_config(), toy_run(tmp_path))
    assert RunDirectory(tmp_path).read_status()["note"] == "out of memory"


def test_metrics_may_be_missing_for_a_step(tmp_path: Path) -> None:
    model = toy_model()

    def objective(batch: MicroBatch) -> LossOutput:
        return LossOutput(toy_objective(model)(batch).loss_sum, {"desk/truthful": MetricSum(0.0, 0.0)})

    task = TrainingTask(modules={"model": model}, objective=objective, source=ToySource(toy_rows(4), 1))
    train(task, toy_config(), toy_run(tmp_path))
    assert json.loads((tmp_path / "metrics.jsonl").read_text())["desk/truthful"] is None


def test_config_contradictions_are_refused() -> None:
    with pytest.raises(ValueError, match="needs validate_every"):
        EngineConfig.model_validate({"early_stopping": {"metric": "m"}})
    with pytest.raises(ValueError, match="needs early_stopping"):
        EngineConfig.model_validate({"checkpoint": {"load_best_at_end": True}})
    with pytest.raises(ValueError, match="extra"):
        EngineConfig.model_validate({"epochs": 3})
    assert len(EngineConfig.model_fields) <= 15
