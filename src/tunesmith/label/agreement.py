"""How far the labelers of an annotation task agree, with intervals: overall, by flag, and for each labeler.

Reviewers' decisions are left out; gold items count only against the known answer. Every interval resamples items.
"""

from __future__ import annotations

import itertools
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from tunesmith.core.errors import DataError
from tunesmith.core.records import RankingLabel
from tunesmith.label.exporting import LabeledItem, labeled_items
from tunesmith.label.flags import FLAGS
from tunesmith.label.review import label_of
from tunesmith.label.work import completions_of
from tunesmith.statistics.agreement import compare_labels, strict_pairs
from tunesmith.statistics.alpha import krippendorff_alpha
from tunesmith.statistics.rank_correlation import tau_b
from tunesmith.statistics.rates import Rate, cluster_bootstrap, clustered_rate
from tunesmith.store.annotation.tasks import AnnotationTask

SEED = 0
SPEEDER = 1 / 3  # faster than this share of the task's median time

ByItem = dict[int, list[float]]


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
    """Pairwise agreement and tau-b over all labelers, alpha of orders, ratings and each flag in use."""

    labels: int
    pairwise: Rate | None
    tau: Rate | None
    order_alpha: Rate | None
    rating_alpha: Rate | None
    flag_alphas: Mapping[str, Rate | None]
    labelers: Sequence[LabelerLine]


class _Ranked(NamedTuple):
    item_id: int
    labels: Sequence[RankingLabel]
    shown: Sequence[Sequence[str]]
    lengths: Mapping[str, int]


_Item = TypeVar("_Item", LabeledItem, _Ranked)


def agreement_report(connection: Connection, task: AnnotationTask) -> AgreementReport:
    """Return the report of the labels that stand now."""
    plain = list(labeled_items(connection, task, decisions=False))
    gold = list(labeled_items(connection, task, decisions=False, gold=True))
    seconds = [event.seconds for one in plain for event in one.events if event.seconds is not None]
    median = statistics.median(seconds) if seconds else None
    names = sorted({event.labeler for one in (*plain, *gold) for event in one.events})
    ranked = [_ranked(one) for one in plain] if task.kind in ("rank", "pair") else []
    known = [_ranked(one) for one in gold] if task.kind in ("rank", "pair") else []
    truths = {one.item.id: _truth(one) for one in gold}
    plain_of, ranked_of, known_of = _by_labeler(plain), _by_labeler(ranked), _by_labeler(known)
    return AgreementReport(
        labels=sum(len(one.events) for one in plain),
        pairwise=_rate(_pairwise(ranked, None)),
        tau=_mean(_taus(ranked, None)),
        order_alpha=krippendorff_alpha(_order_units(ranked), level="nominal", seed=SEED),
        rating_alpha=krippendorff_alpha(_rating_units(ranked), level="ordinal", seed=SEED),
        flag_alphas=_flag_alphas(ranked),
        labelers=[_line(name, plain_of[name], ranked_of[name], known_of[name], truths, median) for name in names],
    )


def _line(
    name: str,
    plain: Sequence[LabeledItem],
    ranked: Sequence[_Ranked],
    known: Sequence[_Ranked],
    truths: Mapping[int, RankingLabel],
    median: float | None,
) -> LabelerLine:
    mine = [event for one in plain for event in one.events if event.labeler == name]
    times = [event.seconds for event in mine if event.seconds is not None]
    fast = [[float(seconds < SPEEDER * median)] for seconds in times] if median else []
    return LabelerLine(
        labeler=name,
        labels=len(mine),
        with_others=_rate(_pairwise(ranked, name)),
        tau=_mean(_taus(ranked, name)),
        with_gold=_rate(_against_gold(known, truths, name)),
        median_seconds=statistics.median(times) if times else None,
        speeding=clustered_rate(fast, seed=SEED) if fast else None,
        first_shown=_rate(_preferred(ranked, name, _shown_first)),
        longer=_rate(_preferred(ranked, name, _is_longer)),
    )


def _by_labeler(found: Sequence[_Item]) -> dict[str, list[_Item]]:
    """Return the items that each labeler said something of: a labeler's line costs no more than their labels."""
    items: dict[str, list[_Item]] = defaultdict(list)
    for one in found:
        said = one.events if isinstance(one, LabeledItem) else one.labels
        for name in dict.fromkeys(label.labeler for label in said):
            items[name].append(one)
    return items


def _ranked(one: LabeledItem) -> _Ranked:
    lengths = {completion.id: len(completion.text) for completion in completions_of(one.item)}
    return _Ranked(one.item.id, [label_of(event) for event in one.events], [e.shown for e in one.events], lengths)


def _truth(one: LabeledItem) -> RankingLabel:
    order = (one.item.gold or {}).get("order", [])
    return RankingLabel(labeler="gold", order=tuple(tuple(group) for group in order))


def _pairs(one: _Ranked, name: str | None) -> Iterator[tuple[RankingLabel, RankingLabel]]:
    for first, second in itertools.combinations(one.labels, 2):
        if name is None or name in (first.labeler, second.labeler):
            yield first, second


def _pairwise(ranked: Sequence[_Ranked], name: str | None) -> ByItem:
    values: ByItem = defaultdict(list)
    for one in ranked:
        for first, second in _pairs(one, name):
            counts = compare_labels(first, second)
            values[one.item_id] += [1.0] * counts.equal + [0.0] * counts.opposite
    return values


def _taus(ranked: Sequence[_Ranked], name: str | None) -> ByItem:
    values: ByItem = defaultdict(list)
    for one in ranked:
        found = (tau_b(first, second) for first, second in _pairs(one, name))
        values[one.item_id] += [value for value in found if value is not None]
    return values


def _against_gold(known: Sequence[_Ranked], truths: Mapping[int, RankingLabel], name: str) -> ByItem:
    values: ByItem = defaultdict(list)
    for one in known:
        for label in one.labels:
            if label.labeler == name:
                counts = compare_labels(label, truths[one.item_id])
                values[one.item_id] += [1.0] * counts.equal + [0.0] * counts.opposite
    return values


# Says of a preferred and a rejected completion whether the preferred one has the property; None: neither has.
_Property = Callable[[_Ranked, Sequence[str], str, str], bool | None]


def _preferred(ranked: Sequence[_Ranked], name: str, has: _Property) -> ByItem:
    values: ByItem = defaultdict(list)
    for one in ranked:
        for label, shown in zip(one.labels, one.shown, strict=True):
            if label.labeler == name:
                said = (has(one, shown, pair.chosen, pair.rejected) for pair in strict_pairs(label))
                values[one.item_id] += [float(value) for value in said if value is not None]
    return values


def _shown_first(_one: _Ranked, shown: Sequence[str], chosen: str, rejected: str) -> bool | None:
    if chosen not in shown or rejected not in shown:  # imported labels do not say what was shown
        return None
    return shown.index(chosen) < shown.index(rejected)


def _is_longer(one: _Ranked, _shown: Sequence[str], chosen: str, rejected: str) -> bool | None:
    difference = one.lengths[chosen] - one.lengths[rejected]
    return difference > 0 if difference else None


def _order_units(ranked: Sequence[_Ranked]) -> list[list[list[float]]]:
    prompts = []
    for one in ranked:
        values: dict[tuple[str, str], list[float]] = {pair: [] for pair in itertools.combinations(one.lengths, 2)}
        for label in one.labels:
            above = {(pair.chosen, pair.rejected) for pair in strict_pairs(label)}
            for pair, said in values.items():
                said.append(1.0 if pair in above else -1.0 if pair[::-1] in above else 0.0)
        prompts.append(list(values.values()))
    return prompts


def _rating_units(ranked: Sequence[_Ranked]) -> list[list[list[float]]]:
    return [
        [[float(label.ratings[name]) for label in one.labels if name in label.ratings] for name in one.lengths]
        for one in ranked
    ]


def _flag_alphas(ranked: Sequence[_Ranked]) -> dict[str, Rate | None]:
    used = {flag for one in ranked for label in one.labels for said in label.flags.values() for flag in said}
    return {flag.label: _flag_alpha(ranked, flag.name) for flag in FLAGS if flag.name in used}


def _flag_alpha(ranked: Sequence[_Ranked], flag: str) -> Rate | None:
    units = [
        [[float(flag in label.flags.get(name, ())) for label in one.labels] for name in one.lengths] for one in ranked
    ]
    return krippendorff_alpha(units, level="nominal", seed=SEED)


def _rate(values: ByItem) -> Rate | None:
    clusters = [said for said in values.values() if said]
    return clustered_rate(clusters, seed=SEED) if clusters else None


def _mean(values: ByItem) -> Rate | None:
    clusters = [said for said in values.values() if said]
    try:
        return cluster_bootstrap(clusters, seed=SEED)
    except DataError:  # fewer than two items
        return None
