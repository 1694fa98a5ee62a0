"""Walk a data set once an epoch, each row exactly once, in an order that follows from the seed alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.data.chunks import split_by_tokens
from tunesmith.data.cycle import Cycle
from tunesmith.train.objective import MicroBatch, StateTree

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """How to go through the rows. Sizes: rows a step over all ranks; tokens a micro-batch."""

    global_batch_size: int
    micro_batch_tokens: int
    num_train_epochs: float = 1.0
    max_steps: int | None = None
    seed: int = 0
    rank: int = 0
    world_size: int = 1

    def __post_init__(self) -> None:
        if self.global_batch_size < 1 or self.num_train_epochs <= 0 or self.micro_batch_tokens < 1:
            raise ConfigError("must be positive", where="global_batch_size, micro_batch_tokens and num_train_epochs")

    def total_steps(self, rows: int) -> int:
        """Return ceil(ceil(rows / batch) x epochs) optimizer steps, or `max_steps`."""
        if self.max_steps is not None:
            return self.max_steps
        return math.ceil(math.ceil(rows / self.global_batch_size) * self.num_train_epochs - 1e-9)


class DatasetSource(Generic[Row]):
    """A `StepSource` over rows in memory.

    Each step takes the next `global_batch_size` rows of the epoch's permutation; the last step of an epoch takes what
    is left (its denominator is what it really holds, T-GA-6). This rank's share, every `world_size`-th row, is sorted
    by size and cut into micro-batches of at most `micro_batch_tokens`.
    """

    def __init__(
        self, rows: Sequence[Row], *, sizes: Sequence[int], build: Callable[[Sequence[Row]], MicroBatch], walk: Walk
    ) -> None:
        if not rows:
            raise DataError("an empty data set", where="data")
        self._rows = rows
        self._sizes = sizes
        self._build = build
        self._walk = walk
        self._cycle = Cycle(len(rows), seed=walk.seed)
        self._steps = 0
        self.total_steps = walk.total_steps(len(rows))

    def next_step(self) -> Sequence[MicroBatch] | None:
        """Return the next step's micro-batches on this rank; None after `total_steps`."""
        if self._steps >= self.total_steps:
            return None
        self._steps += 1
        walk = self._walk
        mine = self._cycle.take(walk.global_batch_size, within_epoch=True)[walk.rank :: walk.world_size]
        parts = split_by_tokens(mine, self._sizes, walk.micro_batch_tokens)
        return [self._build([self._rows[i] for i in part]) for part in parts]

    def state_dict(self) -> StateTree:
        """Return the place in the data."""
        return {"steps": self._steps, "cycle": self._cycle.state_dict()}

    def load_state_dict(self, state: StateTree) -> None:
        """Continue at that place.

        Raises:
            ConfigError: the data set has another number of rows than when the state was taken.
        """
        self._steps = int(state["steps"])
        self._cycle.load_state_dict(state["cycle"])
