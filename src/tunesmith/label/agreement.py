"""How far the labelers of an annotation task agree, with intervals: overall, by flag, and for each labeler.

Reviewers' decisions are left out; gold items count only against the known answer. Every interval resamples items.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from tunesmith.core.records import RankingLabel
from tunesmith.label.agreement_course import Course, course_of
from tunesmith.label.exporting import LabeledItem, labeled_items
from tunesmith.label.flags import FLAGS
from tunesmith.label.judgements import (
    SEED,
    ByItem,
    Judged,
    against_gold,
    by_item,
    judged,
    known_order,
    mean_of,
    meetings,
    order_units,
    pairwise,
    rate_of,
    taus,
)
from tunesmith.statistics.agreement import strict_pairs
from tunesmith.statistics.alpha import krippendorff_alpha
from tunesmith.statistics.rates import Rate, clustered_rate
from tunesmith.store.annotation.tasks import AnnotationTask

SPEEDER = 1 / 3  # faster than this share of the task's median time


class LabelerLine(NamedTuple):
    """One labeler. None where there is nothing to say yet.

    `first_shown` and `longer`: of the pairs put in order, how often the completion that was shown first, or is longer,
    was preferred; 0.5 is no bias of place, while longer completions may simply be better.
    """

    labeler: str
    labels: int
    with_others: Rate | None
    tau: Rate | None
    with_gold: Rate | None
    median_seconds: float | None
    speeding: Rate | None
    first_shown: Rate | None
    longer: Rate | None


class AgreementReport(NamedTuple):
    """Pairwise agreement, its course over time, tau-b; alpha of orders, ratings and each flag in use; each labeler."""

    labels: int
    pairwise: Rate | None
    course: Course
    tau: Rate | None
    order_alpha: Rate | None
    rating_alpha: Rate | None
    flag_alphas: Mapping[str, Rate | None]
    labelers: Sequence[LabelerLine]


_Item = TypeVar("_Item", LabeledItem, Judged)


def agreement_report(connection: Connection, task: AnnotationTask) -> AgreementReport:
    """Return the report of the labels that stand now."""
    plain = list(labeled_items(connection, task, decisions=False))
    gold = list(labeled_items(connection, task, decisions=False, gold=True))
    seconds = [event.seconds for one in plain for event in one.events if event.seconds is not None]
    median = statistics.median(seconds) if seconds else None
    names = sorted({event.labeler for one in (*plain, *gold) for event in one.events})
    ranked = [judged(*one) for one in plain] if task.kind in ("rank", "pair") else []
    known = [judged(*one) for one in gold] if task.kind in ("rank", "pair") else []
    met = list(meetings(ranked))
    truths = {one.item.id: known_order(one.item) for one in gold}
    plain_of, ranked_of, known_of = _by_labeler(plain), _by_labeler(ranked), _by_labeler(known)
    return AgreementReport(
        labels=sum(len(one.events) for one in plain),
        pairwise=rate_of(by_item(met)),
        course=course_of(met),
        tau=mean_of(taus(ranked, None)),
        order_alpha=krippendorff_alpha(order_units(ranked), level="nominal", seed=SEED),
        rating_alpha=krippendorff_alpha(_rating_units(ranked), level="ordinal", seed=SEED),
        flag_alphas=_flag_alphas(ranked),
        labelers=[_line(name, plain_of[name], ranked_of[name], known_of[name], truths, median) for name in names],
    )


def _line(
    name: str,
    plain: Sequence[LabeledItem],
    ranked: Sequence[Judged],
    known: Sequence[Judged],
    truths: Mapping[int, RankingLabel],
    median: float | None,
) -> LabelerLine:
    mine = [event for one in plain for event in one.events if event.labeler == name]
    times = [event.seconds for event in mine if event.seconds is not None]
    fast = [[float(seconds < SPEEDER * median)] for seconds in times] if median else []
    return LabelerLine(
        labeler=name,
        labels=len(mine),
        with_others=rate_of(pairwise(ranked, name)),
        tau=mean_of(taus(ranked, name)),
        with_gold=rate_of(against_gold(known, truths, name)),
        median_seconds=statistics.median(times) if times else None,
        speeding=clustered_rate(fast, seed=SEED) if fast else None,
        first_shown=rate_of(_preferred(ranked, name, _shown_first)),
        longer=rate_of(_preferred(ranked, name, _is_longer)),
    )


def _by_labeler(found: Sequence[_Item]) -> dict[str, list[_Item]]:
    """Return the items that each labeler said something of: a labeler's line costs no more than their labels."""
    items: dict[str, list[_Item]] = defaultdict(list)
    for one in found:
        said = one.events if isinstance(one, LabeledItem) else one.labels
        for name in dict.fromkeys(label.labeler for label in said):
            items[name].append(one)
    return items


# Says of a preferred and a rejected completion whether the preferred one has the property; None: neither has.
_Property = Callable[[Judged, Sequence[str], str, str], bool | None]


def _preferred(ranked: Sequence[Judged], name: str, has: _Property) -> ByItem:
    values: ByItem = defaultdict(list)
    for one in ranked:
        for label, event in zip(one.labels, one.events, strict=True):
            if label.labeler == name:
                said = (has(one, event.shown, pair.chosen, pair.rejected) for pair in strict_pairs(label))
                values[one.item_id] += [float(value) for value in said if value is not None]
    return values


def _shown_first(_one: Judged, shown: Sequence[str], chosen: str, rejected: str) -> bool | None:
    if chosen not in shown or rejected not in shown:  # imported labels do not say what was shown
        return None
    return shown.index(chosen) < shown.index(rejected)


def _is_longer(one: Judged, _shown: Sequence[str], chosen: str, rejected: str) -> bool | None:
    difference = one.lengths[chosen] - one.lengths[rejected]
    return difference > 0 if difference else None


def _rating_units(ranked: Sequence[Judged]) -> list[list[list[float]]]:
    return [
        [[float(label.ratings[name]) for label in one.labels if name in label.ratings] for name in one.lengths]
        for one in ranked
    ]


def _flag_alphas(ranked: Sequence[Judged]) -> dict[str, Rate | None]:
    used = {flag for one in ranked for label in one.labels for said in label.flags.values() for flag in said}
    return {flag.label: _flag_alpha(ranked, flag.name) for flag in FLAGS if flag.name in used}


def _flag_alpha(ranked: Sequence[Judged], flag: str) -> Rate | None:
    units = [
        [[float(flag in label.flags.get(name, ())) for label in one.labels] for name in one.lengths] for one in ranked
    ]
    return krippendorff_alpha(units, level="nominal", seed=SEED)
