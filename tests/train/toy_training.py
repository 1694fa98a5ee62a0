"""A real small thing to train: ragged rows, a two-layer model with dropout, a source that shuffles and accumulates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tunesmith.train.engine_config import EngineConfig
from tunesmith.train.objective import LossOutput, MetricSum, MicroBatch
from tunesmith.train.run_directory import RunDirectory
from tunesmith.train.task import TrainingTask

VOCABULARY, WIDTH = 13, 8
QUIET: dict[str, Any] = {"tensorboard": False, "quiet": True, "progress_every_s": 1000.0}


@dataclass(frozen=True)
class Row:
    ids: list[int]
    targets: list[int]
    mask: list[bool]
    key: str


@dataclass(frozen=True)
class ToyBatch:
    rows: Sequence[Row]
    kind: str = "toy"

    @property
    def weight(self) -> float:
        return float(sum(sum(row.mask) for row in self.rows))

    @property
    def keys(self) -> list[str]:
        return [row.key for row in self.rows]

    @property
    def tokens(self) -> int:
        return sum(len(row.ids) for row in self.rows)


class ToyModel(nn.Module):
    def __init__(self, dropout: float = 0.0, *, tied: bool = False) -> None:
        super().__init__()
        self.table = nn.Embedding(VOCABULARY, WIDTH)
        self.norm = nn.LayerNorm(WIDTH)
        self.hidden = nn.Linear(WIDTH, WIDTH)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        if tied:
            self.out.weight = self.table.weight

    def forward(self, ids: Tensor) -> Tensor:
        if self.training:
            self.seen += len(ids)
        return self.out(self.dropout(torch.tanh(self.hidden(self.norm(self.table(ids))))))


def toy_model(seed: int = 0, dropout: float = 0.0, *, tied: bool = False) -> ToyModel:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ToyModel(dropout, tied=tied)


def toy_rows(count: int, seed: int = 0) -> list[Row]:
    """Ragged: 1 to 9 tokens, at least one of them a target."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for i in range(count):
        length = int(torch.randint(1, 10, (), generator=generator))
        ids = torch.randint(VOCABULARY, (length,), generator=generator).tolist()
        mask = (torch.rand(length, generator=generator) < 0.6).tolist()
        mask[-1] = True
        rows.append(Row(ids, [(3 * x + 1) % VOCABULARY for x in ids], mask, f"row-{i}"))
    return rows


def toy_objective(model: nn.Module) -> Callable[[MicroBatch], LossOutput]:
    def objective(batch: MicroBatch) -> LossOutput:
        assert isinstance(batch, ToyBatch)
        ids, targets = (torch.tensor([x for r in batch.rows for x in getattr(r, n)]) for n in ("ids", "targets"))
        mask = torch.tensor([x for r in batch.rows for x in r.mask])
        logits = model(ids)
        losses = nn.functional.cross_entropy(logits, targets, reduction="none")
        right = float((logits.argmax(-1) == targets)[mask].sum())
        return LossOutput(losses[mask].sum(), {f"{batch.kind}/accuracy": MetricSum(right, batch.weight)})

    return objective


@dataclass
class ToySource:
    """Each step takes `per_step` rows of a shuffled order, split over ranks, in micro-batches of `micro`."""

    rows: list[Row]
    total_steps: int
    per_step: int = 4
    micro: int = 2
    rank: int = 0
    world_size: int = 1
    seed: int = 0
    served: list[list[str]] = field(default_factory=list)
    after_step: Callable[[int], None] = lambda step: None

    def __post_init__(self) -> None:
        self._step = 0
        self._generator = torch.Generator().manual_seed(self.seed)
        self._order: list[int] = []

    def next_step(self) -> list[ToyBatch] | None:
        self.after_step(self._step)
        if self._step == self.total_steps:
            return None
        self._step += 1
        if len(self._order) < self.per_step:
            self._order += torch.randperm(len(self.rows), generator=self._generator).tolist()
        chosen, self._order = self._order[: self.per_step], self._order[self.per_step :]
        self.served.append([self.rows[i].key for i in chosen])
        mine = [self.rows[i] for i in chosen[self.rank :: self.world_size]]
        return [ToyBatch(mine[i : i + self.micro]) for i in range(0, len(mine), self.micro)]

    def state_dict(self) -> dict[str, Any]:
        order = torch.tensor(self._order, dtype=torch.int64)
        return {"step": self._step, "order": order, "generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._step, self._order = state["step"], state["order"].tolist()
        self._generator.set_state(state["generator"])


@dataclass
class FixedSource:
    """Serves given steps."""

    steps: list[list[Any]]
    position: int = 0

    @property
    def total_steps(self) -> int:
        return len(self.steps)

    def next_step(self) -> list[Any] | None:
        self.position += 1
        return self.steps[self.position - 1] if self.position <= len(self.steps) else None

    def state_dict(self) -> dict[str, Any]:
        return {"position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.position = state["position"]


def toy_task(model: nn.Module, source: Any, **more: Any) -> TrainingTask:
    return TrainingTask(modules={"model": model}, objective=toy_objective(model), source=source, **more)


def toy_config(**more: Any) -> EngineConfig:
    return EngineConfig.model_validate({**QUIET, "optimizer": {"learning_rate": 0.01, "weight_decay": 0.01}, **more})


def toy_run(path: Path) -> RunDirectory:
    return RunDirectory(path)
