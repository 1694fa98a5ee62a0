"""The gradient of one optimizer step, the same for every split into micro-batches and ranks.

Per kind k of micro-batch:  loss_k = sum of loss_sum over all its micro-batches and ranks / sum of their weights.
The step minimises  sum over k of coef_k * loss_k.  A mean of means would weigh
short micro-batches too much (T-GA-4..6).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from tunesmith.core.errors import DataError, NumericalError, TunesmithError
from tunesmith.train.distributed import World
from tunesmith.train.metrics import LOSS
from tunesmith.train.objective import CountsTokens, LossOutput, MetricSum, MicroBatch
from tunesmith.train.optimizer import gradient_norm
from tunesmith.train.precision import Precision, autocast
from tunesmith.train.task import TrainingTask
from tunesmith.train.trainable import Trainable

KEYS_SHOWN = 8
TOKENS = "\0tokens"  # travels with the weights; no kind is called so


class StepReport(NamedTuple):
    """`loss`: what was minimised; None where every weight is 0. `tokens`: of all ranks; 0 where nobody counts them."""

    loss: float | None
    metrics: dict[str, float | None]
    norms: dict[str, Tensor]
    empty_kinds: list[str]
    tokens: int


@dataclass(frozen=True, slots=True)
class GlobalStep:
    """Leaves the summed gradients of one step in `.grad`, checked to be finite."""

    task: TrainingTask
    trainable: Trainable
    world: World
    precision: Precision

    def backpropagate(self, step: int, batches: Sequence[MicroBatch]) -> StepReport:
        """Run objective and backward over this rank's micro-batches and sum over ranks.

        Raises:
            DataError: a weight is negative or not finite.
            NumericalError: a loss, metric or gradient is not finite; names step, kind and record keys, on every rank.
            TunesmithError: no loss depends on a trained parameter.
        """
        weights = self.world.sum_scalars(_weights(batches))
        tokens = int(weights.pop(TOKENS))
        weighted = [batch for batch in batches if weights[batch.kind] > 0]
        sums, faults = self._accumulate(weighted, weights)
        reports = self.world.gather({"sums": sums, "faults": faults})
        _refuse([fault for report in reports for fault in report["faults"]], step)
        metrics = {n: m.total / m.weight if m.weight else None for n, m in _add(r["sums"] for r in reports).items()}
        losses = [self._coef(kind) * (metrics[f"{LOSS}/{kind}"] or 0.0) for kind, w in weights.items() if w > 0]
        self.world.all_reduce_gradients(self.trainable.named.values())
        norms = self._finite_norms(step, weighted, weights)
        if losses and not norms:
            raise TunesmithError("no loss depends on a trained parameter", where=f"step {step}")
        empty = sorted(kind for kind, weight in weights.items() if weight == 0)
        return StepReport(sum(losses) if losses else None, metrics, norms, empty, tokens)

    def _accumulate(
        self, batches: Sequence[MicroBatch], weights: Mapping[str, float]
    ) -> tuple[dict[str, MetricSum], list[str]]:
        """Back-propagate every micro-batch of this rank; return its sums and what is not finite in them."""
        outputs = [self._forward_backward(batch, weights[batch.kind]) for batch in batches]
        # Read after the loop: one wait for the device instead of one per micro-batch.
        losses = torch.stack([o.loss_sum.double() for o in outputs]).tolist() if outputs else []
        parts: list[dict[str, MetricSum]] = []
        faults = []
        for batch, output, loss in zip(batches, outputs, losses, strict=True):
            parts.append({f"{LOSS}/{batch.kind}": MetricSum(loss, batch.weight), **output.metrics})
            bad = [name for name, value in parts[-1].items() if not math.isfinite(value.total + value.weight)]
            faults += [f"{', '.join(bad)} in the {_describe(batch)}"] if bad else []
        return _add(parts), faults

    def _forward_backward(self, batch: MicroBatch, total: float) -> LossOutput:
        with self.autocast():
            output = self.task.objective(batch)
        scale = self._coef(batch.kind) / total
        if scale and output.loss_sum.requires_grad:
            (scale * output.loss_sum).backward()  # type: ignore[no-untyped-call]
        # Detached: what is kept until the end of the step must not hold the graph.
        return LossOutput(output.loss_sum.detach(), output.metrics)

    def autocast(self) -> torch.autocast:
        """Return the context in which networks run."""
        return autocast(self.precision, self.trainable.device)

    def _coef(self, kind: str) -> float:
        return self.task.loss_coefs.get(kind, 1.0)

    def _finite_norms(
        self, step: int, batches: Sequence[MicroBatch], weights: Mapping[str, float]
    ) -> dict[str, Tensor]:
        norms = {name: gradient_norm(ps.values()) for name, ps in self.trainable.by_module.items()}
        found = {name: norm for name, norm in norms.items() if norm is not None}
        bad = [name for name, norm in found.items() if not torch.isfinite(norm)]
        if bad:
            culprits = [fault for part in self.world.gather(self._culprits(batches, weights)) for fault in part]
            _refuse(culprits or [f"the gradient of {', '.join(bad)}, in no micro-batch alone"], step)
        return found

    def _culprits(self, batches: Sequence[MicroBatch], weights: Mapping[str, float]) -> list[str]:
        """Repeat this rank's micro-batches one at a time: the sum of the gradients does not say whose NaN it is."""
        faults = []
        for batch in batches:
            self._clear()
            self._forward_backward(batch, weights[batch.kind])
            for name, parameters in self.trainable.by_module.items():
                norm = gradient_norm(parameters.values())
                if norm is not None and not torch.isfinite(norm):
                    faults.append(f"the gradient of {name} in the {_describe(batch)}")
        self._clear()
        return faults

    def _clear(self) -> None:
        for parameter in self.trainable.named.values():
            parameter.grad = None


def _weights(batches: Sequence[MicroBatch]) -> dict[str, float]:
    """This rank's weight per kind, and its tokens."""
    sums: dict[str, float] = {TOKENS: 0.0}
    for batch in batches:
        if not (math.isfinite(batch.weight) and batch.weight >= 0):
            raise DataError(f"weight {batch.weight} of the {_describe(batch)} is not a finite number >= 0")
        sums[batch.kind] = sums.get(batch.kind, 0.0) + batch.weight
        sums[TOKENS] += batch.tokens if isinstance(batch, CountsTokens) else 0
    return sums


def _add(parts: Iterable[Mapping[str, Sequence[float]]]) -> dict[str, MetricSum]:
    """Sum totals and weights by name."""
    sums: dict[str, MetricSum] = {}
    for part in parts:
        for name, (total, weight) in part.items():
            before = sums.get(name, MetricSum(0.0, 0.0))
            sums[name] = MetricSum(before.total + float(total), before.weight + float(weight))
    return sums


def _describe(batch: MicroBatch) -> str:
    keys = ", ".join(map(str, batch.keys[:KEYS_SHOWN]))
    more = f" and {len(batch.keys) - KEYS_SHOWN} more" if len(batch.keys) > KEYS_SHOWN else ""
    return f"{batch.kind!r} micro-batch with records {keys}{more}"


def _refuse(faults: Sequence[str], step: int) -> None:
    if faults:
        raise NumericalError(
            f"NaN or infinity: {'; '.join(faults)}",
            where=f"step {step}",
            why="found before the optimizer step, the weights are those of the step before",
            remedy="look at these records, or lower the learning rate, and resume",
        )
