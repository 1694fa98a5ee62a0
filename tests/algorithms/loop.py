"""The engine's gradient step without its disk: for tests of objectives and step sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from tunesmith.train.distributed import World
from tunesmith.train.objective import MicroBatch, Objective, StateTree, StepSource
from tunesmith.train.step import GlobalStep, StepReport
from tunesmith.train.task import TrainingTask
from tunesmith.train.trainable import Trainable


class OneStep:
    """A source that is never asked."""

    total_steps = 1

    def next_step(self) -> Sequence[MicroBatch] | None:
        return None

    def state_dict(self) -> StateTree:
        return {}

    def load_state_dict(self, state: StateTree) -> None:
        del state


def task_of(
    modules: Mapping[str, nn.Module],
    objective: Objective,
    *,
    source: StepSource | None = None,
    coefs: Mapping[str, float] | None = None,
) -> TrainingTask:
    """Return a task."""
    return TrainingTask(modules=modules, objective=objective, source=source or OneStep(), loss_coefs=dict(coefs or {}))


def gradient_of(task: TrainingTask, batches: Sequence[MicroBatch]) -> tuple[StepReport, dict[str, Tensor]]:
    """Return what the engine would log of these micro-batches as one step, and the gradients by parameter name."""
    for module in task.modules.values():
        module.zero_grad(set_to_none=True)
    trainable = Trainable(task.modules)
    report = GlobalStep(task, trainable, World(), "fp32").backpropagate(1, batches)
    gradients = {name: p.grad.clone() for name, p in trainable.named.items() if p.grad is not None}
    return report, gradients


def train(
    task: TrainingTask, *, rate: float, final_ratio: float = 1.0, steps: int | None = None
) -> list[dict[str, float]]:
    """Take every step of the source with AdamW and a linear schedule; return the metrics of each."""
    trainable = Trainable(task.modules)
    optimizer = torch.optim.AdamW(trainable.named.values(), lr=rate, weight_decay=0.0, betas=(0.9, 0.95))
    step, rows = GlobalStep(task, trainable, World(), "fp32"), []
    total = steps or task.source.total_steps
    for number in range(total):
        batches = task.source.next_step()
        if batches is None:
            break
        report = step.backpropagate(number + 1, batches)
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 + (final_ratio - 1) * number / total)
        torch.nn.utils.clip_grad_norm_(trainable.named.values(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        rows.append({name: value for name, value in report.metrics.items() if value is not None})
    return rows
