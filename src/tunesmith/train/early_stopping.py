"""Which validation was the best so far, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from tunesmith.core.config_schema import Strict
from tunesmith.core.errors import ConfigError, NumericalError
from tunesmith.train.objective import StateTree


class EarlyStoppingConfig(Strict):
    """`metric` must be among what the validation returns."""

    metric: str = "validation/loss"
    """Its full name."""
    mode: Literal["min", "max"] = "min"
    """Whether smaller or larger is better."""
    patience: int | None = Field(default=None, ge=1)
    """Validations in a row without improvement before the run stops; None: only track the best."""
    min_delta: float = Field(default=0.0, ge=0)
    """How much better a value must be to count as an improvement."""


class EarlyStopping:
    """Follows one metric; its state is plain JSON."""

    def __init__(self, config: EarlyStoppingConfig) -> None:
        self._config = config
        self.best_value: float | None = None
        self.best_step: int | None = None
        self._waited = 0

    @property
    def should_stop(self) -> bool:
        """True once patience is used up."""
        return self._config.patience is not None and self._waited >= self._config.patience

    def update(self, step: int, metrics: Mapping[str, float]) -> bool:
        """Take in one validation and return True if it is the best so far.

        Raises:
            ConfigError: the metric is not among `metrics`.
            NumericalError: its value is NaN or infinite; a broken validation must not look like a bad one.
        """
        name = self._config.metric
        if name not in metrics:
            known = ", ".join(sorted(metrics)) or "nothing"
            raise ConfigError(
                f"{name!r} is not a validation metric", where="early_stopping.metric", why=f"it has {known}"
            )
        value = metrics[name]
        if not math.isfinite(value):
            raise NumericalError(f"{name} is {value}", where=f"validation at step {step}")
        gain = math.inf
        if self.best_value is not None:
            gain = self.best_value - value if self._config.mode == "min" else value - self.best_value
        if gain > self._config.min_delta:
            self.best_value, self.best_step, self._waited = value, step, 0
            return True
        self._waited += 1
        return False

    def state_dict(self) -> StateTree:
        """Return the state as JSON."""
        return {"best_value": self.best_value, "best_step": self.best_step, "waited": self._waited}

    def load_state_dict(self, state: StateTree) -> None:
        """Restore what `state_dict` returned."""
        self.best_value, self.best_step, self._waited = state["best_value"], state["best_step"], state["waited"]
