"""Draw rows without replacement, epoch after epoch, in an order that follows from the seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tunesmith.core.errors import ConfigError


class Cycle:
    """An endless stream of row indexes: each epoch a fresh permutation, with no row left out or repeated in it."""

    def __init__(self, rows: int, *, seed: int) -> None:
        self._rows = rows
        self._seed = seed
        self._epoch = 0
        self._taken = 0
        self._order = self._permutation()

    def _permutation(self) -> np.ndarray:
        return np.random.default_rng([self._seed, self._epoch]).permutation(self._rows)

    def take(self, n: int, *, within_epoch: bool = False) -> list[int]:
        """Return the next n indexes; with `within_epoch`, fewer at an epoch's end instead of some of the next."""
        chosen: list[int] = []
        while len(chosen) < n:
            if self._taken >= self._rows:
                self._epoch, self._taken = self._epoch + 1, 0
                self._order = self._permutation()
            part = self._order[self._taken : self._taken + n - len(chosen)]
            self._taken += len(part)
            chosen += [int(i) for i in part]
            if within_epoch:
                break
        return chosen

    def state_dict(self) -> dict[str, int]:
        """Return the place."""
        return {"epoch": self._epoch, "taken": self._taken, "rows": self._rows}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue there.

        Raises:
            ConfigError: the data set has another number of rows than when the state was taken.
        """
        if state["rows"] != self._rows:
            raise ConfigError(
                f"the data set has {self._rows} rows, the checkpoint was made with {state['rows']}",
                remedy="resume with the same data, or start afresh with --resume never",
            )
        self._epoch, self._taken = int(state["epoch"]), int(state["taken"])
        self._order = self._permutation()
