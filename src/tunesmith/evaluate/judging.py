"""Pairwise judgements in both orders: win rate, what the judge's position bias is, and how often it could be read.

Every pair is shown twice, each completion once in the first place. An order whose verdict is missing (no answer, not
readable) is counted and left out; it is never a loss or a tie (rlhf_spec T-EV-6, T-EV-17).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.core.records import Message
from tunesmith.evaluate.length_control import length_controlled
from tunesmith.evaluate.win_rate import Outcome, Preference, win_rate
from tunesmith.statistics.rates import Rate, clustered_rate

Verdict = Literal["first", "second", "tie"]
_ANSWER = re.compile(r'"better"\s*:\s*"(first|second|tie)"', re.IGNORECASE)
_FLIPPED: dict[Verdict, Verdict] = {"first": "second", "second": "first", "tie": "tie"}
_OUTCOMES: dict[Verdict, Outcome] = {"first": "win", "second": "loss", "tie": "tie"}
INSTRUCTION = (
    "Two answers to the same request follow. Decide which one is better: does what was asked, correct, honest about "
    "what it does not know, and not rude. Length and order must not matter. Reply with JSON only, one of "
    '{"better": "first"}, {"better": "second"}, {"better": "tie"}.'
)


class Pair(NamedTuple):
    """Two models' completions of one prompt."""

    cluster: str
    prompt: str
    ours: str
    theirs: str


class Orders(NamedTuple):
    """The verdicts with our completion shown first, and shown second; None where there is none."""

    ours_first: Verdict | None
    theirs_first: Verdict | None


class Judged(NamedTuple):
    """The win rate of the first model, and what is known about the judge.

    `parse_rate`: readable verdicts of those asked for; `consistency`: both orders name the same winner, of the pairs
    with two verdicts; `first_place`: the completion shown first is preferred, of decided verdicts; `unjudged` pairs
    had no verdict at all.
    """

    preference: Preference
    length_controlled: Rate | None
    parse_rate: Rate
    consistency: Rate | None
    first_place: Rate | None
    unjudged: int

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        rates = {
            "win_rate": self.preference.rate,
            "length_controlled": self.length_controlled,
            "parse_rate": self.parse_rate,
            "consistency": self.consistency,
            "first_place": self.first_place,
        }
        counts = {"wins": self.preference.wins, "ties": self.preference.ties, "losses": self.preference.losses}
        return {**{k: r.to_json() for k, r in rates.items() if r is not None}, **counts, "unjudged": self.unjudged}


def question(prompt: str, first: str, second: str) -> tuple[Message, ...]:
    """Return what a teacher is asked about one order."""
    body = f"{INSTRUCTION}\n\n[Request]\n{prompt}\n\n[First answer]\n{first}\n\n[Second answer]\n{second}"
    return (Message("user", body),)


def parsed(reply: str) -> Verdict | None:
    """Return the verdict in a teacher's reply; None where there is none, or more than one."""
    found = {match.lower() for match in _ANSWER.findall(reply)}
    if found == {"first"}:
        return "first"
    if found == {"second"}:
        return "second"
    return "tie" if found == {"tie"} else None


def judged_pairs(pairs: Sequence[Pair], verdicts: Sequence[Orders], *, seed: int) -> Judged:
    """Return the win rate over both orders, resampled by prompt.

    Raises:
        DataError: no pair has a verdict.
    """
    outcomes: list[list[Outcome]] = []
    points: list[tuple[float, int, str]] = []
    consistent: list[bool] = []
    first_place: list[list[float]] = []
    read = 0
    for pair, orders in zip(pairs, verdicts, strict=True):
        flipped = None if orders.theirs_first is None else _FLIPPED[orders.theirs_first]
        ours = [verdict for verdict in (orders.ours_first, flipped) if verdict is not None]
        read += len(ours)
        if ours:
            outcomes.append([_OUTCOMES[verdict] for verdict in ours])
            share = sum({"first": 1.0, "tie": 0.5, "second": 0.0}[verdict] for verdict in ours) / len(ours)
            points.append((share, len(pair.ours) - len(pair.theirs), pair.cluster))
        if len(ours) == 2:
            consistent.append(ours[0] == ours[1])
        places = [float(v == "first") for v in orders if v in ("first", "second")]
        if places:
            first_place.append(places)
    if not outcomes:
        raise DataError("the judge gave no readable verdict", why=f"{2 * len(pairs)} were asked for")
    return Judged(
        win_rate(outcomes, seed=seed),
        length_controlled([p for p, _, _ in points], [d for _, d, _ in points], seed=seed),
        clustered_rate([[float(v is not None) for v in orders] for orders in verdicts], seed=seed),
        clustered_rate([[float(same)] for same in consistent], seed=seed) if consistent else None,
        clustered_rate(first_place, seed=seed) if first_place else None,
        len(pairs) - len(outcomes),
    )
