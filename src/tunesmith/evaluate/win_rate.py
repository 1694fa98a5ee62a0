"""How often one model's completion is preferred to another's on the same prompts.

Win rate = (wins + ties / 2) / judgements, so that rate(a, b) + rate(b, a) = 1 and a model against itself scores 1/2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from tunesmith.statistics.rates import Rate, clustered_rate

Outcome = Literal["win", "tie", "loss"]
POINTS: Mapping[Outcome, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}


class Preference(NamedTuple):
    """One panel's verdict on a pair of models; the counts are of judgements, `rate.n` of prompts."""

    rate: Rate
    wins: int
    ties: int
    losses: int


class WinRate(NamedTuple):
    """The two panels of the `results.json` contract; `labelers` is None where no held-out labeler judged."""

    gold: Preference
    labelers: Preference | None


def win_rate(outcomes: Sequence[Sequence[Outcome]], *, seed: int) -> Preference:
    """Return the preference for the first model; `outcomes[i]` holds every judgement of prompt i.

    Several judgements of one prompt are correlated, so the interval resamples prompts (see `clustered_rate`).

    Raises:
        DataError: no prompts, or a prompt without a judgement.
    """
    rate = clustered_rate([[POINTS[outcome] for outcome in judgements] for judgements in outcomes], seed=seed)
    flat = [outcome for judgements in outcomes for outcome in judgements]
    return Preference(rate, flat.count("win"), flat.count("tie"), flat.count("loss"))


def compare(first: float, second: float) -> Outcome:
    """Return the first one's outcome where the higher score wins and equal scores tie."""
    if first == second:
        return "tie"
    return "win" if first > second else "loss"
