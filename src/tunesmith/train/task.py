"""What is to be trained, how the loss is computed, and where the steps come from: all that an algorithm decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from tunesmith.train.objective import Objective, StepSource


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTask:
    """An algorithm as the engine sees it."""

    modules: Mapping[str, nn.Module]
    """The trained modules by name ("policy", "value"), no others; clipping and learning rates are per module."""
    objective: Objective
    source: StepSource
    loss_coefs: Mapping[str, float] = field(default_factory=dict)
    """Per kind of micro-batch; 1 where absent."""
    learning_rate_factors: Mapping[str, float] = field(default_factory=dict)
    """Per module; 1 where absent."""
    validate: Callable[[], Mapping[str, float]] | None = None
    """Return metrics by full name (`validation/loss`). Called without gradients, modules in eval mode, the moving
    average swapped in; whatever random numbers it draws do not change the training."""
