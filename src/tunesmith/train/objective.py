"""What an algorithm gives the engine: losses as sums, and the micro-batches of each optimizer step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor

StateTree = dict[str, Any]
"""Nested `dict` of `str` to Tensor, JSON value, list of these, or StateTree; `state_tree.split` stores it."""


class MetricSum(NamedTuple):
    """A metric before division: it is printed as total / weight over the global step; weight 0 prints as null."""

    total: float
    weight: float


class LossOutput(NamedTuple):
    """`loss_sum`: a scalar tensor, not divided by anything. `metrics`: full name (`ppo/kl`) to its sum."""

    loss_sum: Tensor
    metrics: Mapping[str, MetricSum]


class MicroBatch(Protocol):
    """What fits into memory at once. The engine reads nothing but these three (and `CountsTokens`)."""

    @property
    def kind(self) -> str:
        """The loss family ("sft", "policy", "value", "ptx"); each has its own denominator and coefficient."""

    @property
    def weight(self) -> float:
        """This micro-batch's share of its family's denominator (target tokens, prompts, pairs), on this rank."""

    @property
    def keys(self) -> Sequence[str]:
        """The records inside, for messages about a bad one."""


@runtime_checkable
class CountsTokens(Protocol):
    """A micro-batch that knows how many tokens it pushes through the model; without it no tokens/s is printed."""

    @property
    def tokens(self) -> int:
        """Stream tokens, targets or not."""


Objective = Callable[[MicroBatch], LossOutput]


class StepSource(Protocol):
    """The data side of a run: walks a snapshot, or generates, scores and estimates before it yields."""

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole run, for the schedule and the ETA."""

    def next_step(self) -> Sequence[MicroBatch] | None:
        """The micro-batches of one optimizer step on this rank; None = finished."""

    def state_dict(self) -> StateTree:
        """Everything needed to continue after the last `next_step`, bit-equal. Called between steps."""

    def load_state_dict(self, state: StateTree) -> None:
        """Continue where `state_dict` was taken."""
