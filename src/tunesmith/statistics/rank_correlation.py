"""Kendall's tau-b between two labelers' orders of the same completions; ties are corrected for (Kendall 1945)."""

from __future__ import annotations

import itertools
import math

from tunesmith.core.records import RankingLabel


def tau_b(first: RankingLabel, second: RankingLabel) -> float | None:
    """Return tau-b over the completions that both ranked; None where one of them called all of those equal."""
    one, two = places(first), places(second)
    shared = sorted(one.keys() & two.keys())
    # Not scipy's, whose call costs milliseconds: a desk compares every two labelers of every item.
    agreeing = strict_in_one = strict_in_two = 0
    for left, right in itertools.combinations(shared, 2):
        in_one, in_two = _sign(one[left] - one[right]), _sign(two[left] - two[right])
        agreeing += in_one * in_two
        strict_in_one += in_one * in_one
        strict_in_two += in_two * in_two
    return agreeing / math.sqrt(strict_in_one * strict_in_two) if strict_in_one and strict_in_two else None


def places(label: RankingLabel) -> dict[str, int]:
    """Return each completion's place, 0 for the best group."""
    return {name: place for place, group in enumerate(label.order) for name in group}


def _sign(difference: int) -> int:
    return (difference > 0) - (difference < 0)
