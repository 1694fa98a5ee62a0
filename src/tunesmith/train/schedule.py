"""The learning rate over a run, as a factor of its peak: a pure function of the step.

InstructGPT (arXiv 2203.02155, appendix C): cosine to 10 % of the peak for SFT and reward model; constant with a
10-step warm-up that starts at a tenth of the peak for PPO.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

from pydantic import Field, model_validator

from tunesmith.core.config_schema import Strict


class ScheduleConfig(Strict):
    """Warm-up from `warmup_start` to 1, then one of four shapes over the steps that remain; or `exponential`."""

    kind: Literal["constant", "linear", "cosine", "step", "exponential"] = "cosine"
    """The shape after the warm-up; exponential: from `warmup_start` to 1 in equal factors (the range test)."""
    warmup_steps: int = Field(default=0, ge=0)
    """Steps before the peak is reached."""
    warmup_ratio: float | None = Field(default=None, ge=0, lt=1)
    """The same as a share of the run, rounded up; excludes `warmup_steps`."""
    warmup_start: float = Field(default=0.1, ge=0, le=1)
    """Factor at step 0 of a warm-up."""
    final_ratio: float = Field(default=0.1, ge=0, le=1)
    """Factor at the end of `linear` and `cosine`."""
    milestones: tuple[float, ...] = (0.5, 0.75)
    """`step` only: shares of the run, ascending, at which the factor is multiplied by `decay`."""
    decay: float = Field(default=0.1, gt=0, le=1)
    """`step` only: the factor at each milestone."""

    @model_validator(mode="after")
    def _consistent(self) -> ScheduleConfig:
        if self.warmup_ratio is not None and self.warmup_steps:
            raise ValueError("warmup_steps and warmup_ratio exclude each other; remove one")
        if not all(0 < m < 1 for m in self.milestones) or any(a >= b for a, b in pairwise(self.milestones)):
            raise ValueError("milestones must ascend strictly between 0 and 1")
        if self.kind == "exponential" and (self.warmup_start == 0 or self.warmup_steps or self.warmup_ratio):
            raise ValueError("kind: exponential rises from warmup_start > 0 over the whole run, without a warm-up")
        return self


def warmup_steps(schedule: ScheduleConfig, total: int) -> int:
    """Return the number of warm-up steps of a run of `total` optimizer steps, at most `total`."""
    steps = schedule.warmup_steps if schedule.warmup_ratio is None else math.ceil(schedule.warmup_ratio * total)
    return min(steps, total)


def lr_factor(schedule: ScheduleConfig, step: int, total: int) -> float:
    """Return the factor of the peak learning rate for optimizer step `step` (0-based) of `total`.

    The factor is `warmup_start` at step 0 and 1 at step `warmup_steps`; `final_ratio` is reached at `step == total`,
    one past the last step, and kept beyond it.
    """
    if schedule.kind == "exponential":
        return float(schedule.warmup_start ** (1.0 - min(1.0, step / max(1, total - 1))))
    warmup = warmup_steps(schedule, total)
    if step < warmup:
        return schedule.warmup_start + (1.0 - schedule.warmup_start) * step / warmup
    if schedule.kind == "constant":
        return 1.0
    if schedule.kind == "step":
        passed = sum(step >= milestone * total for milestone in schedule.milestones)
        return schedule.decay**passed
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    left = 1.0 - progress if schedule.kind == "linear" else 0.5 * (1.0 + math.cos(math.pi * progress))
    return schedule.final_ratio + (1.0 - schedule.final_ratio) * left
