"""Kendall's tau-b between two labelers' orders of the same completions; ties are corrected for (Kendall 1945)."""

from __future__ import annotations

import math

from scipy import stats

from tunesmith.core.records import RankingLabel


def tau_b(first: RankingLabel, second: RankingLabel) -> float | None:
    """Return tau-b over the completions that both ranked; None where one of them called all of those equal."""
    one, two = places(first), places(second)
    shared = sorted(one.keys() & two.keys())
    ranks = [one[name] for name in shared], [two[name] for name in shared]
    if any(len(set(side)) < 2 for side in ranks):
        return None
    value = float(stats.kendalltau(*ranks, variant="b").statistic)
    return None if math.isnan(value) else value


def places(label: RankingLabel) -> dict[str, int]:
    """Return each completion's place, 0 for the best group."""
    return {name: place for place, group in enumerate(label.order) for name in group}
