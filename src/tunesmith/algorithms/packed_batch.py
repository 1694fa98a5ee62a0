"""What the algorithms' micro-batches share: packed tokens, and what the engine asks of them (`train.objective`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.data.batch import TokenBatch


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """A packed batch of one kind of loss. `weight`: target tokens, unless a subclass counts something else."""

    kind: str
    batch: TokenBatch

    @property
    def weight(self) -> float:
        """This batch's share of the denominator."""
        return float(len(self.batch.targets))

    @property
    def keys(self) -> Sequence[str]:
        """Record ids, or row names."""
        return self.batch.keys


@dataclass(frozen=True, slots=True)
class CountedBatch(PackedBatch):
    """A packed batch whose tokens count for the tokens per second."""

    @property
    def tokens(self) -> int:
        """Real tokens, each prompt once."""
        return self.batch.tokens
