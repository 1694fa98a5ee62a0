"""An A/B test as numbers and words: arms with intervals, evidence over time, guardrails, what to do.

The unit is a person: whoever gave several outcomes counts once, with their mean, at the time of their first one. So
people who talk a lot decide no more than others, and correlated outcomes claim no false precision.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunesmith.core.errors import DataError
from tunesmith.statistics.rates import Rate
from tunesmith.statistics.sequential import (
    ALPHA,
    BURN_IN,
    always_valid_rate,
    mean_difference,
    shares_e,
    two_means_e,
    two_proportions_e,
)

Better = Literal["higher", "lower"]
Role = Literal["primary", "secondary", "guardrail"]
Verdict = Literal["breached", "held", "open"]
SRM_ALPHA = 0.01
CURVE_POINTS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What is measured. `margin`: how much worse than the control a guardrail tolerates, in the metric's unit."""

    name: str
    better: Better = "higher"
    role: Role = "primary"
    margin: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One of the variants; the first arm of a test is the control. `share`: the probability of being assigned to it."""

    name: str
    share: float


class Outcome(NamedTuple):
    """One value that one person gave under one arm (its index)."""

    arm: int
    person: str
    value: float


class ArmResult(NamedTuple):
    """An arm's people and outcomes of a metric, and their mean with an interval that holds however often one looks.

    `rate` is None while the arm has too few people for one.
    """

    arm: str
    people: int
    outcomes: int
    rate: Rate | None


class CurvePoint(NamedTuple):
    """The state after `people` people: the p-value, log10 of the e-value, and the difference to the control."""

    people: int
    p: float
    log10_e: float
    difference: Rate | None


class Comparison(NamedTuple):
    """An arm against the control. `better` None: not decided.

    `p` is 1 / e as the evidence stands, times the number of comparisons; valid at any look, and it may rise again.
    """

    arm: str
    control: str
    method: str
    difference: Rate | None
    p: float
    better: bool | None
    guardrail: Verdict | None
    curve: tuple[CurvePoint, ...]


class MetricResult(NamedTuple):
    """A metric over all arms. `left_out`: outcomes of people who were seen in two arms."""

    metric: Metric
    arms: tuple[ArmResult, ...]
    comparisons: tuple[Comparison, ...]
    left_out: int


class ShareCheck(NamedTuple):
    """Are the arms as large as they should be? `alarm`: no, and then no other number can be trusted."""

    people: tuple[int, ...]
    p: float
    alarm: bool


class AbReport(NamedTuple):
    """Everything about one test."""

    name: str
    arms: tuple[Arm, ...]
    shares: ShareCheck | None
    metrics: tuple[MetricResult, ...]
    recommendation: str
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values; rates as in the `results.json` contract."""
        return {
            "name": self.name,
            "recommendation": self.recommendation,
            "arms": [{"name": arm.name, "share": arm.share} for arm in self.arms],
            "sample_ratio": self.shares._asdict() if self.shares else None,
            "metrics": [_metric_json(result) for result in self.metrics],
            "notes": list(self.notes),
        }


def _rate_json(rate: Rate | None) -> dict[str, float | int] | None:
    return rate.to_json() if rate else None


def _metric_json(result: MetricResult) -> dict[str, Any]:
    metric = result.metric
    return {
        "name": metric.name,
        "role": metric.role,
        "better": metric.better,
        "left_out": result.left_out,
        "arms": [{**arm._asdict(), "rate": _rate_json(arm.rate)} for arm in result.arms],
        "comparisons": [
            {
                **comparison._asdict(),
                "difference": _rate_json(comparison.difference),
                "curve": [{**p._asdict(), "difference": _rate_json(p.difference)} for p in comparison.curve],
            }
            for comparison in result.comparisons
        ],
    }


def judge_metric(metric: Metric, arms: Sequence[Arm], outcomes: Sequence[Outcome]) -> MetricResult:
    """Return a metric's result; `outcomes` in the order of time.

    Raises:
        DataError: a value is not a finite number.
    """
    seen: dict[str, set[int]] = {}
    for outcome in outcomes:
        if not math.isfinite(outcome.value):
            raise DataError(f"{metric.name}: {outcome.value} is no outcome", where=outcome.person)
        seen.setdefault(outcome.person, set()).add(outcome.arm)
    kept = [outcome for outcome in outcomes if len(seen[outcome.person]) == 1]
    values: dict[str, list[float]] = {}
    for outcome in kept:
        values.setdefault(outcome.person, []).append(outcome.value)
    arm_of = {outcome.person: outcome.arm for outcome in kept}
    g = np.array([arm_of[person] for person in values], dtype=np.int64)
    y = np.array([sum(v) / len(v) for v in values.values()], dtype=np.float64)
    counts = np.bincount([outcome.arm for outcome in kept], minlength=len(arms)) if kept else np.zeros(len(arms), int)
    results = [
        ArmResult(arm.name, int((g == i).sum()), int(counts[i]), _arm_rate(y[g == i])) for i, arm in enumerate(arms)
    ]
    comparisons = [_compare(metric, arms, index, g, y) for index in range(1, len(arms))]
    return MetricResult(metric, tuple(results), tuple(comparisons), len(outcomes) - len(kept))


def check_shares(arms: Sequence[Arm], assigned: Sequence[int]) -> ShareCheck:
    """Return whether people (their arms in the order they came) were assigned by the arms' shares."""
    indices = np.asarray(assigned, dtype=np.int64)
    running = np.stack([np.cumsum(indices == i) for i in range(len(arms))], axis=1)
    p = float(shares_e(running, [arm.share for arm in arms]).p[-1]) if indices.size else 1.0
    return ShareCheck(tuple(int((indices == i).sum()) for i in range(len(arms))), p, p <= SRM_ALPHA)


def make_report(
    name: str,
    arms: Sequence[Arm],
    results: Sequence[MetricResult],
    *,
    assigned: Sequence[int] | None = None,
    notes: Sequence[str] = (),
) -> AbReport:
    """Return the report; without `assigned` the sizes of the arms are not checked."""
    shares = None if assigned is None else check_shares(arms, assigned)
    return AbReport(name, tuple(arms), shares, tuple(results), recommend(results, shares), tuple(notes))


def recommend(results: Sequence[MetricResult], shares: ShareCheck | None) -> str:
    """Return what to do, in words: the sizes of the arms first, then guardrails, then the primary metric."""
    if shares is not None and shares.alarm:
        return (
            f"Do not trust this test: the arms have {' and '.join(f'{n:,}' for n in shares.people)} people, which "
            f"their shares do not explain (p = {shares.p:.2g}). Look for people who are lost in one arm."
        )
    for result in results:
        for comparison in result.comparisons:
            if comparison.guardrail == "breached":
                return f"Stop {comparison.arm}: {result.metric.name} is worse by more than is tolerated."
    primary = next((result for result in results if result.metric.role == "primary"), None)
    if primary is None or not primary.comparisons:
        return "There is no primary metric to decide by."
    best = [c for c in primary.comparisons if c.better]
    if best:
        top = max(best, key=lambda c: abs(c.difference.value) if c.difference else 0.0)
        mine = [(result.metric.name, c) for result in results for c in result.comparisons if c.arm == top.arm]
        unsettled = ", ".join(name for name, c in mine if c.guardrail == "open")
        wait = f" Not settled yet: {unsettled}." if unsettled else ""
        return f"Promote {top.arm}: {primary.metric.name} is better than with {top.control} (p = {top.p:.2g}).{wait}"
    worse = [c.arm for c in primary.comparisons if c.better is False]
    if len(worse) == len(primary.comparisons):
        return f"Keep {primary.comparisons[0].control}: {primary.metric.name} is worse with {', '.join(worse)}."
    return _undecided(primary)


def _undecided(primary: MetricResult) -> str:
    people = sum(arm.people for arm in primary.arms)
    smallest = min(arm.people for arm in primary.arms)
    if smallest < BURN_IN:
        return f"Go on: {people:,} people so far, and every arm needs at least {BURN_IN} before its mean is compared."
    open_arms = [c for c in primary.comparisons if c.better is None]
    found = open_arms[0].difference
    reach = f" between {found.low:+.3g} and {found.high:+.3g}" if found else ""
    return (
        f"Not decided after {people:,} people: the difference in {primary.metric.name} may be anything{reach}. "
        "Go on, or stop if a difference of that size does not matter."
    )


def _arm_rate(y: NDArray[np.float64]) -> Rate | None:
    if y.size and np.isin(y, (0.0, 1.0)).all():
        return always_valid_rate(int(y.sum()), int(y.size))
    if y.size < BURN_IN:
        return None
    # The interval of a mean is that of its difference to a known constant.
    spread = mean_difference(np.tile([0, 1], y.size), np.column_stack([np.zeros_like(y), y]).ravel())
    assert spread is not None
    return Rate(spread.value, spread.low, spread.high, int(y.size))


def _compare(
    metric: Metric, arms: Sequence[Arm], index: int, g: NDArray[np.int64], y: NDArray[np.float64]
) -> Comparison:
    mine = (g == 0) | (g == index)
    own, values = (g[mine] == index).astype(np.int64), y[mine]
    binary = bool(np.isin(values, (0.0, 1.0)).all())
    share = arms[index].share / (arms[0].share + arms[index].share)
    series = two_proportions_e(own, values, share=share) if binary else two_means_e(own, values)
    others = len(arms) - 1  # Bonferroni: several arms are several chances
    # As the evidence stands, not its best so far: so that the verdict agrees with the interval beside it.
    now = np.minimum(1.0, others * np.exp(-series.log_e))
    p = float(now[-1]) if own.size else 1.0
    difference = mean_difference(own, values, alpha=ALPHA / others)
    better = None
    if p <= ALPHA:
        raw = float(values[own == 1].mean() - values[own == 0].mean())
        better = (raw > 0) == (metric.better == "higher")
    stops = sorted({int(n) for n in np.linspace(1, own.size, CURVE_POINTS)} - {0}) if own.size else []
    curve = [
        CurvePoint(
            n,
            float(now[n - 1]),
            float(series.log_e[n - 1] / math.log(10)),
            mean_difference(own[:n], values[:n], alpha=ALPHA / others),
        )
        for n in stops
    ]
    method = "two proportions, exact" if binary else "two means, asymptotic"
    guardrail = _guardrail(metric, difference) if metric.role == "guardrail" else None
    return Comparison(arms[index].name, arms[0].name, method, difference, p, better, guardrail, tuple(curve))


def _guardrail(metric: Metric, difference: Rate | None) -> Verdict:
    if difference is None:
        return "open"
    low, high = difference.low, difference.high
    worst, least = (-low, -high) if metric.better == "higher" else (high, low)
    if least > metric.margin:
        return "breached"
    return "held" if worst <= metric.margin else "open"
