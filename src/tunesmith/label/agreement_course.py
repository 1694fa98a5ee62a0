"""How agreement went over time: by day, or by week where the labels span more than a month, for each guideline.

A judgement belongs to the time at which the second of two labelers gave it, and to the guideline that both went by.
Where they went by different versions it tells of neither, so it is left out, and counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from tunesmith.label.judgements import Met, by_item, rate_of
from tunesmith.statistics.rates import Rate

Unit = Literal["day", "week"]
DAY = 86_400
LENGTH: dict[Unit, int] = {"day": DAY, "week": 7 * DAY}
_A_MONDAY = 4 * DAY  # 1970 began on a Thursday
MOST_DAYS = 31


class Period(NamedTuple):
    """The judgements of one day or week (from `start`, UTC) under one guideline; `time` is the mean of theirs."""

    start: float
    version: int
    time: float
    rate: Rate
    judgements: int


class Course(NamedTuple):
    """The periods with any judgements, in order; `mixed` judgements are of labelers with different guidelines."""

    unit: Unit
    periods: Sequence[Period]
    mixed: int


def course_of(met: Iterable[Met]) -> Course:
    """Return the agreement of every period."""
    judged = [one for one in met if one.equal + one.opposite]
    times = [one.time for one in judged]
    unit: Unit = "week" if times and max(times) - min(times) > MOST_DAYS * DAY else "day"
    groups: dict[tuple[float, int], list[Met]] = defaultdict(list)
    for one in judged:
        if one.version is not None:
            groups[_start(one.time, unit), one.version].append(one)
    periods = [_period(start, version, group) for (start, version), group in sorted(groups.items())]
    return Course(unit, periods, sum(one.equal + one.opposite for one in judged if one.version is None))


def _start(time: float, unit: Unit) -> float:
    first = _A_MONDAY if unit == "week" else 0
    return first + (time - first) // LENGTH[unit] * LENGTH[unit]


def _period(start: float, version: int, group: Sequence[Met]) -> Period:
    rate = rate_of(by_item(group))
    assert rate is not None, "a group has judgements"
    n = [one.equal + one.opposite for one in group]
    mean = sum(one.time * weight for one, weight in zip(group, n, strict=True)) / sum(n)
    return Period(start, version, mean, rate, sum(n))
