"""What a sweep found, as `results.json` says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tunesmith.statistics.rates import Rate
from tunesmith.sweep.reading import Point


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """One run of the sweep. `value` is None where it failed or wrote none; `points` are (step, metric)."""

    name: str
    state: str
    values: Mapping[str, Any]
    value: float | None = None
    best_step: int | None = None
    seconds: float = 0.0
    peak_memory_gib: float | None = None
    retried: int = 0
    kills: Sequence[str] = ()
    error: str = ""
    points: Sequence[Point] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The best values against the given ones with new seeds: values by seed, and the paired difference best - given."""

    seeds: list[int]
    best: list[float | None]
    given: list[float | None]
    difference: Rate | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """A sweep's outcome; trials in the order of their numbers."""

    stage: str
    metric: str
    larger_is_better: bool
    sampler: str
    trials: list[TrialResult]
    baseline: TrialResult | None
    best: TrialResult | None
    importance: dict[str, float]
    confirmation: Confirmation | None
    seconds: float
    command: str

    def counts(self) -> dict[str, int]:
        """Return how many trials ended how, and how many were taken up again."""
        states = {name: sum(t.state == name for t in self.trials) for name in ("finished", "pruned", "failed")}
        return {**states, "retried": sum(t.retried > 0 for t in self.trials)}

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object; rates as `{"value", "low", "high", "n"}`."""
        body = asdict(self)
        if self.confirmation is not None and self.confirmation.difference is not None:
            body["confirmation"]["difference"] = self.confirmation.difference.to_json()
        return {**body, "counts": self.counts()}
