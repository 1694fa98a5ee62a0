"""The stream of pretraining text that is mixed into every PPO step (InstructGPT eq. 2, appendix C.4)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tunesmith.algorithms.ppo.objective import PtxBatch
from tunesmith.core.errors import DataError
from tunesmith.data.batch import TokenSequence, pack
from tunesmith.data.chunks import split_by_tokens
from tunesmith.data.cycle import Cycle
from tunesmith.train.objective import StateTree


class PtxStream:
    """Rows of pretraining text without replacement, `ptx_ratio` of them for each episode of a minibatch."""

    def __init__(
        self, rows: Sequence[list[int]], *, ptx_ratio: float, minibatch_size: int, micro_batch_tokens: int, seed: int
    ) -> None:
        if not rows:
            raise DataError("ptx_coef is positive but there is no pretraining text", remedy="give ptx_data")
        self._rows = rows
        self._per_step = math.ceil(ptx_ratio * minibatch_size)
        self._tokens = micro_batch_tokens
        self._cycle = Cycle(len(rows), seed=seed)

    def take(self) -> list[PtxBatch]:
        """Return the micro-batches of one optimizer step. Every token but a row's first is learned."""
        chosen = self._cycle.take(self._per_step)
        sequences = [TokenSequence(self._rows[i], [True] * len(self._rows[i]), f"ptx:{i}") for i in chosen]
        parts = split_by_tokens(range(len(sequences)), [len(s.ids) for s in sequences], self._tokens)
        return [PtxBatch("ptx", pack([sequences[i] for i in part])) for part in parts]

    def state_dict(self) -> StateTree:
        """Return the place in the text."""
        return self._cycle.state_dict()

    def load_state_dict(self, state: StateTree) -> None:
        """Continue there."""
        self._cycle.load_state_dict(state)
