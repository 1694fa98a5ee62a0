"""Is the best trial really better than what was given? New seeds decide: other rows held out, another order.

The best of many trials looks better than it is, because it was chosen for its luck on one validation set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tunesmith.statistics.few import mean_of_few
from tunesmith.statistics.rates import Rate
from tunesmith.sweep.plan import Plan
from tunesmith.sweep.results import Confirmation, TrialResult

SEED_STEP = 1_000


def seeds(plan: Plan) -> list[int]:
    """Return the seeds of the confirmation, none of which the search used."""
    first = plan.base.model_dump()["seed"] + SEED_STEP
    return list(range(first, first + plan.settings.confirm_seeds))


def confirm_names(plan: Plan, best: TrialResult) -> Iterator[tuple[int, list[tuple[str, Mapping[str, Any]]]]]:
    """Yield each seed with the two runs it needs: (name, values)."""
    for seed in seeds(plan):
        yield seed, [(_best(best, seed), best.values), (_given(seed), {})]


def confirmation(plan: Plan, best: TrialResult, ending: Callable[[str], TrialResult | None]) -> Confirmation:
    """Return both sides by seed and what follows; a seed counts where both runs have a value."""
    chosen = seeds(plan)
    ours = [_value(ending(_best(best, seed))) for seed in chosen]
    theirs = [_value(ending(_given(seed))) for seed in chosen]
    differences = [a - b for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
    difference = mean_of_few(differences) if len(differences) > 1 else None
    return Confirmation(
        seeds=chosen, best=ours, given=theirs, difference=difference, verdict=_verdict(difference, larger=plan.larger)
    )


def _verdict(difference: Rate | None, *, larger: bool) -> str:
    if difference is None:
        return "undecided: fewer than two seeds have both values"
    low, high = (difference.low, difference.high) if larger else (-difference.high, -difference.low)
    if low > 0:
        return "the best values are better than the given ones"
    return "the best values are worse than the given ones" if high < 0 else "no difference beyond the spread over seeds"


def _best(best: TrialResult, seed: int) -> str:
    return f"confirm-{best.name}-seed{seed}"


def _given(seed: int) -> str:
    return f"confirm-given-seed{seed}"


def _value(result: TrialResult | None) -> float | None:
    return None if result is None else result.value
