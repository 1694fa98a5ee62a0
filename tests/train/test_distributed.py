"""Ranks are real processes over gloo, started once per world size; each writes what it found, the test compares."""

from __future__ import annotations

import multiprocessing
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp

from tests.train.toy_training import (
    FixedSource,
    ToyBatch,
    ToyModel,
    ToySource,
    toy_config,
    toy_model,
    toy_rows,
    toy_run,
    toy_task,
)
from tunesmith.core.errors import CheckpointError, ConfigError, EnvironmentProblem, NumericalError, TunesmithError
from tunesmith.train.distributed import World, join_world
from tunesmith.train.engine import train
from tunesmith.train.optimizer import clip_gradients
from tunesmith.train.state_tree import equal, from_bytes, to_bytes
from tunesmith.train.step import GlobalStep
from tunesmith.train.trainable import Trainable

ROWS = 8


def one_step(world: World, batches: list[ToyBatch]) -> dict[str, Any]:
    """Loss, gradients, norm, and the gradients after clipping to half the norm, of one global step."""
    model = toy_model()
    task = toy_task(model, FixedSource([]))
    trainable = Trainable(task.modules)
    report = GlobalStep(task, trainable, world, "fp32").backpropagate(1, batches)
    found: dict[str, Any] = {"loss": report.loss, "accuracy": report.metrics["toy/accuracy"]}
    found["norm"] = report.norms["model"].clone()
    found["gradients"] = {n: p.grad.clone() for n, p in trainable.named.items() if p.grad is not None}
    clip_gradients(trainable.named.values(), 0.5 * 0.1, report.norms["model"])
    found["clipped"] = {n: p.grad.clone() for n, p in trainable.named.items() if p.grad is not None}
    return found


def trained(world: World, out: Path, *, steps: int = 4) -> dict[str, Any]:
    """The weights after a short run with resume."""
    for total in (steps // 2, steps):
        model = toy_model(seed=world.rank)  # the engine must make the ranks equal
        source = ToySource(toy_rows(20), total, per_step=8, rank=world.rank, world_size=world.size)
        config = toy_config(schedule={"kind": "constant"}, validate_every=2)
        task = toy_task(model, source, validate=lambda: {"validation/loss": float(world.rank)})
        result = train(task, config, toy_run(out), world=world)
    assert result.validation == {"validation/loss": 0.0}
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def failures(world: World, out: Path) -> list[str]:
    """What every rank hears when only one of them is in trouble."""
    heard = []

    def no_room() -> str:
        raise EnvironmentProblem("disk full")

    try:
        world.lead(no_room)
    except TunesmithError as error:
        heard.append(f"{error.exit_code} {error}")

    class Spiked(ToyModel):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = super().forward(ids)
            return logits * float("nan") if world.rank == world.size - 1 else logits

    model = Spiked()
    task = toy_task(model, FixedSource([]))
    try:
        GlobalStep(task, Trainable(task.modules), world, "fp32").backpropagate(3, share(world))
    except NumericalError as error:
        heard.append(str(error))
    try:
        other = World(world.rank, world.size)
        source = ToySource(toy_rows(20), 2, rank=world.rank, world_size=world.size)
        train(toy_task(toy_model(), source), toy_config(), toy_run(out.with_name("single")), world=other)
    except CheckpointError as error:
        heard.append(str(error))
    return heard


def share(world: World) -> list[ToyBatch]:
    return [ToyBatch([row]) for row in toy_rows(ROWS)[world.rank :: world.size]]


def uneven(world: World) -> list[ToyBatch]:
    """The lead has no micro-batch at all, the last rank most of them."""
    rows = toy_rows(ROWS)
    bounds = [0, 0, *range(1, world.size - 1), ROWS]
    return [ToyBatch([row]) for row in rows[bounds[world.rank] : bounds[world.rank + 1]]]


def work(rank: int, size: int, port: int, folder: str) -> None:
    torch.set_num_threads(1)
    variables = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank, "MASTER_PORT": port}
    world = join_world({"MASTER_ADDR": "127.0.0.1", **{k: str(v) for k, v in variables.items()}}, use_cuda=False)
    out = Path(folder) / f"world-{size}"
    found = {
        "step": one_step(world, share(world)),
        "uneven": one_step(world, uneven(world)),
        "trained": trained(world, out),
        "sums": world.sum_scalars({"a": 1.0, f"only-{rank}": 2.0}),
        "gathered": world.gather({"rank": rank}),
        "failures": failures(world, out),
    }
    (Path(folder) / f"rank-{rank}.safetensors").write_bytes(to_bytes(found))
    world.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module", params=[2, 4])
def ranks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    size, folder = request.param, tmp_path_factory.mktemp("ranks")
    single = ToySource(toy_rows(20), 2)
    train(toy_task(toy_model(), single), toy_config(), toy_run(folder / "single"))
    # One server imports torch, the ranks fork from it: a fifth of the time of spawning each from nothing.
    multiprocessing.set_forkserver_preload(["pytest", "torch._dynamo", "tunesmith.train.engine"])
    start: Any = mp.start_processes
    start(work, args=(size, free_port(), str(folder)), nprocs=size, start_method="forkserver")
    return [from_bytes((folder / f"rank-{rank}.safetensors").read_bytes()) for rank in range(size)]


def close(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor], atol: float = 1e-6) -> bool:
    return left.keys() == right.keys() and all(torch.allclose(left[n], right[n], atol=atol, rtol=0) for n in left)


def test_t_ga_5_and_10_ranks_change_nothing(ranks: list[dict[str, Any]]) -> None:
    """T-GA-5, T-GA-10: n ranks x 1 == 1 rank x n, ragged: loss, gradients, their norm, and what clipping leaves."""
    alone = one_step(World(), [ToyBatch(toy_rows(ROWS))])
    for split in ("step", "uneven"):
        for found in (rank[split] for rank in ranks):
            assert found["loss"] == pytest.approx(alone["loss"], abs=1e-6)
            assert found["accuracy"] == pytest.approx(alone["accuracy"])
            assert close(found["gradients"], alone["gradients"])
            assert float(found["norm"]) == pytest.approx(float(alone["norm"]), rel=1e-6)
            assert close(found["clipped"], alone["clipped"])
    squares = sum(float(g.double().square().sum()) for g in alone["clipped"].values())
    assert squares**0.5 == pytest.approx(0.05, rel=1e-4)


def test_t_ga_5_a_mean_of_rank_means_would_be_found(ranks: list[dict[str, Any]]) -> None:
    """The oracle can fail: averaging each rank's own mean gives other gradients than the global step's."""
    size = len(ranks)
    means = [one_step(World(), share(World(rank, size)))["gradients"] for rank in range(size)]
    mean = {name: sum(m[name] for m in means) / size for name in means[0]}
    assert not close(ranks[0]["step"]["gradients"], mean, atol=1e-4)


def test_a_run_on_ranks_equals_a_run_alone(ranks: list[dict[str, Any]], tmp_path: Path) -> None:
    alone = trained(World(), tmp_path / "alone")
    for rank in ranks:
        assert equal(rank["trained"], ranks[0]["trained"])
    # Adam divides by the gradient's size: rounding of small gradients shows in the fourth digit of the step.
    assert close(alone, ranks[0]["trained"], atol=2e-4)


def test_collectives(ranks: list[dict[str, Any]]) -> None:
    for rank in ranks:
        assert rank["sums"] == {"a": float(len(ranks)), **{f"only-{i}": 2.0 for i in range(len(ranks))}}
        assert rank["gathered"] == [{"rank": i} for i in range(len(ranks))]


def test_trouble_on_one_rank_is_heard_by_all(ranks: list[dict[str, Any]]) -> None:
    last = len(ranks) - 1
    for rank in ranks:
        full, spiked, other_world = rank["failures"]
        assert full.startswith("5 ") and "disk full" in full
        assert "step 3" in spiked and f"row-{last}" in spiked and "row-0" not in spiked
        assert f"written by 1 ranks, this run has {len(ranks)}" in other_world


def test_a_world_of_one_needs_no_process_group() -> None:
    world = join_world({})
    assert (world.rank, world.size, world.is_lead) == (0, 1, True)
    assert world.gather([1]) == [[1]] and world.sum_scalars({"a": 2.0}) == {"a": 2.0} and world.lead(lambda: "x") == "x"
    world.close()


def test_incomplete_variables_are_named() -> None:
    with pytest.raises(ConfigError, match="RANK"):
        join_world({"WORLD_SIZE": "2"})
    with pytest.raises(ConfigError, match="incomplete"):
        join_world({"WORLD_SIZE": "two", "RANK": "0", "LOCAL_RANK": "0"})
