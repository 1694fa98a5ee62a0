"""The gradient of one step, whatever the micro-batching; across ranks it is in test_distributed.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.train.toy_training import FixedSource, Row, ToyBatch, ToyModel, toy_model, toy_objective, toy_rows, toy_task
from tunesmith.core.errors import DataError, NumericalError, TunesmithError
from tunesmith.train.distributed import World
from tunesmith.train.objective import LossOutput, MetricSum, MicroBatch
from tunesmith.train.step import GlobalStep, StepReport
from tunesmith.train.task import TrainingTask
from tunesmith.train.trainable import Trainable


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def backpropagate(model: nn.Module, batches: Sequence[Any], **more: Any) -> StepReport:
    task = toy_task(model, FixedSource([]), **more)
    return GlobalStep(task, Trainable(task.modules), World(), "fp32").backpropagate(1, batches)


def reference(model: ToyModel, rows: Sequence[Row]) -> Tensor:
    """The mean over all targets of all rows, by hand, row by row."""
    total, count = torch.zeros(()), 0
    for row in rows:
        logprobs = torch.log_softmax(model(torch.tensor(row.ids)), -1)
        for i, target in enumerate(row.targets):
            if row.mask[i]:
                total, count = total - logprobs[i, target], count + 1
    return total / count


@pytest.mark.parametrize("cuts", [[8], [1] * 8, [4, 4], [3, 3, 2], [5, 3], [7, 1]])
def test_t_ga_4_and_6_micro_batching_changes_nothing(cuts: list[int]) -> None:
    """T-GA-4, T-GA-6: B x 1 == 1 x B == B/2 x 2 == uneven windows, ragged rows: loss, gradient and its norm."""
    rows, model, by_hand = toy_rows(8), toy_model(), toy_model()
    batches, start = [], 0
    for size in cuts:
        batches.append(ToyBatch(rows[start : start + size]))
        start += size
    report = backpropagate(model, batches)
    loss = reference(by_hand, rows)
    loss.backward()  # type: ignore[no-untyped-call]
    assert report.loss == pytest.approx(loss.item(), abs=1e-6)
    assert report.tokens == sum(len(row.ids) for row in rows)
    for name, gradient in gradients(by_hand).items():
        assert torch.allclose(gradients(model)[name], gradient, atol=1e-6, rtol=1e-6), name
    squares = sum(float(g.double().square().sum()) for g in gradients(by_hand).values())
    assert float(report.norms["model"]) == pytest.approx(squares**0.5, rel=1e-6)


def test_the_denominator_is_per_kind() -> None:
    """Many ptx tokens must not dilute the policy's mean; each kind has its coefficient."""
    rows = toy_rows(9)
    first, second = ToyBatch(rows[:2], "policy"), [ToyBatch(rows[2:5], "ptx"), ToyBatch(rows[5:], "ptx")]
    model, by_hand = toy_model(), toy_model()
    report = backpropagate(model, [first, *second], loss_coefs={"ptx": 27.8})
    loss = reference(by_hand, rows[:2]) + 27.8 * reference(by_hand, rows[2:])
    loss.backward()  # type: ignore[no-untyped-call]
    assert report.loss == pytest.approx(loss.item(), rel=1e-6)
    for name, gradient in gradients(by_hand).items():
        assert torch.allclose(gradients(model)[name], gradient, rtol=1e-5, atol=1e-5), name
    assert report.metrics["train/loss/policy"] == pytest.approx(reference(by_hand, rows[:2]).item(), rel=1e-6)
    assert report.metrics["train/loss/ptx"] == pytest.approx(reference(by_hand, rows[2:]).item(), rel=1e-6)


def test_metrics_are_divided_once_at_the_end() -> None:
    rows = toy_rows(6)
    whole = backpropagate(toy_model(), [ToyBatch(rows)])
    parts = backpropagate(toy_model(), [ToyBatch(rows[:1]), ToyBatch(rows[1:])])
    assert whole.metrics["toy/accuracy"] == pytest.approx(parts.metrics["toy/accuracy"])


def masked(row: Row) -> Row:
    return Row(row.ids, row.targets, [False] * len(row.mask), row.key)


def test_a_masked_micro_batch_among_others_adds_nothing() -> None:
    rows = toy_rows(4)
    plain, with_masked = toy_model(), toy_model()
    first = backpropagate(plain, [ToyBatch(rows[:2])])
    second = backpropagate(with_masked, [ToyBatch([masked(rows[2])]), ToyBatch(rows[:2])])
    assert first.loss == second.loss
    assert all(torch.equal(gradients(plain)[n], g) for n, g in gradients(with_masked).items())


def test_a_kind_of_weight_zero_is_skipped_and_named() -> None:
    rows, model = toy_rows(4), toy_model()
    report = backpropagate(model, [ToyBatch(rows[:2]), ToyBatch([masked(rows[2])], "ptx")])
    assert report.empty_kinds == ["ptx"] and "train/loss/ptx" not in report.metrics
    nothing = backpropagate(toy_model(), [ToyBatch([masked(rows[0])])])
    assert nothing.loss is None and nothing.norms == {} and nothing.empty_kinds == ["toy"]


def test_a_metric_without_weight_is_none() -> None:
    model = toy_model()

    def objective(batch: MicroBatch) -> LossOutput:
        output = toy_objective(model)(batch)
        return LossOutput(output.loss_sum, {"eval/truthful": MetricSum(0.0, 0.0)})

    task = TrainingTask(modules={"model": model}, objective=objective, source=FixedSource([]))
    report = GlobalStep(task, Trainable(task.modules), World(), "fp32").backpropagate(1, [ToyBatch(toy_rows(2))])
    assert report.metrics["eval/truthful"] is None


@dataclass(frozen=True)
class Poisoned(ToyBatch):
    """Its loss, a metric, or its gradient is not finite."""

    where: str = "loss"


def poisoned_objective(model: ToyModel) -> Any:
    def objective(batch: MicroBatch) -> LossOutput:
        output = toy_objective(model)(batch)
        if not isinstance(batch, Poisoned):
            return output
        if batch.where == "loss":
            return LossOutput(output.loss_sum * float("nan"), output.metrics)
        if batch.where == "metric":
            return LossOutput(output.loss_sum, {"ppo/kl": MetricSum(float("inf"), 1.0)})
        # The gradient of sqrt at 0 is infinite while its value is not.
        return LossOutput(output.loss_sum + torch.sqrt(model.out.weight.sum() * 0.0), output.metrics)

    return objective


@pytest.mark.parametrize(
    ("where", "text"), [("loss", "train/loss/toy"), ("metric", "ppo/kl"), ("gradient", "the gradient of model")]
)
def test_nan_names_step_kind_and_records(where: str, text: str) -> None:
    rows, model = toy_rows(6), toy_model()
    task = TrainingTask(modules={"model": model}, objective=poisoned_objective(model), source=FixedSource([]))
    step = GlobalStep(task, Trainable(task.modules), World(), "fp32")
    with pytest.raises(NumericalError) as caught:
        step.backpropagate(7, [ToyBatch(rows[:2]), Poisoned(rows[2:4], where=where), ToyBatch(rows[4:])])
    message = str(caught.value)
    assert text in message and "step 7" in message
    assert "'toy' micro-batch with records row-2, row-3" in message and "row-1" not in message


def test_a_weight_that_is_none_is_refused() -> None:
    @dataclass(frozen=True)
    class Negative(ToyBatch):
        @property
        def weight(self) -> float:
            return -1.0

    with pytest.raises(DataError, match=r"weight -1\.0 .* row-0"):
        backpropagate(toy_model(), [Negative(toy_rows(1))])


def test_a_loss_that_no_parameter_moves_is_refused() -> None:
    model = toy_model()
    task = TrainingTask(modules={"model": toy_model(1)}, objective=toy_objective(model), source=FixedSource([]))
    with pytest.raises(TunesmithError, match="no loss depends on a trained parameter"):
        GlobalStep(task, Trainable(task.modules), World(), "fp32").backpropagate(1, [ToyBatch(toy_rows(2))])


def test_bf16_runs_the_forward_in_bf16_and_keeps_fp32_gradients() -> None:
    model, seen = toy_model(), []
    model.out.register_forward_hook(lambda module, args, output: seen.append(output.dtype))
    task = toy_task(model, FixedSource([]))
    report = GlobalStep(task, Trainable(task.modules), World(), "bf16").backpropagate(1, [ToyBatch(toy_rows(4))])
    assert seen == [torch.bfloat16] and all(g.dtype is torch.float32 for g in gradients(model).values())
    assert report.loss == pytest.approx(reference(toy_model(), toy_rows(4)).item(), rel=0.02)
