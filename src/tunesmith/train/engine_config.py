"""How the engine trains, whatever the algorithm."""

from __future__ import annotations

from pydantic import Field, model_validator

from tunesmith.core.config_schema import Strict
from tunesmith.train.checkpoint import CheckpointConfig
from tunesmith.train.early_stopping import EarlyStoppingConfig
from tunesmith.train.optimizer import OptimizerConfig
from tunesmith.train.precision import Precision
from tunesmith.train.schedule import ScheduleConfig


class EngineConfig(Strict):
    """One model per owner; the owner's file defines it."""

    seed: int = 0
    """The engine's own random state; a stage sets it to its `seed`."""
    precision: Precision = "fp32"
    """bf16: forward, loss, sampling and scoring under autocast, the rest is fp32; auto: bf16 where there are units."""
    optimizer: OptimizerConfig = OptimizerConfig()
    """AdamW and clipping."""
    schedule: ScheduleConfig = ScheduleConfig()
    """The learning rate over the run."""
    ema_decay: float | None = Field(default=None, gt=0, lt=1)
    """Moving average of the weights; if set, it is what is validated and what the modules hold after the run."""
    validate_every: int = Field(default=0, ge=0)
    """Optimizer steps between two validations; 0: none. A run with validations ends with one."""
    early_stopping: EarlyStoppingConfig | None = None
    """When to stop, and which step is best; null: run to the end."""
    checkpoint: CheckpointConfig = CheckpointConfig()
    """When checkpoints are written and which stay."""
    log_every: int = Field(default=1, ge=1)
    """Optimizer steps between two lines of metrics.jsonl."""
    tensorboard: bool = True
    """Also write TensorBoard events to tb/."""
    progress_every_s: float = Field(default=10.0, gt=0)
    """Seconds between two progress lines where stderr is not a terminal."""
    quiet: bool = False
    """No live progress line, on a terminal either."""

    @model_validator(mode="after")
    def _consistent(self) -> EngineConfig:
        if self.early_stopping is not None and not self.validate_every:
            raise ValueError("early_stopping needs validate_every > 0")
        if self.checkpoint.load_best_at_end and self.early_stopping is None:
            raise ValueError("checkpoint.load_best_at_end needs early_stopping (its metric says what is best)")
        return self
