"""What labelers said of the same completions, held beside each other: values by item, from which rates are made.

Every interval resamples items, because what is said of one item hangs together.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.core.records import RankingLabel
from tunesmith.label.review import label_of
from tunesmith.label.work import completions_of
from tunesmith.statistics.agreement import Counts, compare_labels, strict_pairs
from tunesmith.statistics.rank_correlation import tau_b
from tunesmith.statistics.rates import Rate, cluster_bootstrap, clustered_rate
from tunesmith.store.annotation.items import Item
from tunesmith.store.annotation.labels import LabelEvent

SEED = 0

ByItem = dict[int, list[float]]


class Judged(NamedTuple):
    """An item's labels with the events they come from; `lengths` holds the characters of each completion."""

    item_id: int
    labels: Sequence[RankingLabel]
    events: Sequence[LabelEvent]
    lengths: Mapping[str, int]


class Met(NamedTuple):
    """Two labelers on one item: how many pairs of completions they order alike and contrarily, and since when.

    `version` is the guideline that both went by, 0 for none; None where they went by different ones.
    """

    item_id: int
    time: float
    version: int | None
    equal: int
    opposite: int


def judged(item: Item, events: Sequence[LabelEvent]) -> Judged:
    """Return the labels of a ranked or paired item."""
    lengths = {completion.id: len(completion.text) for completion in completions_of(item)}
    return Judged(item.id, [label_of(event) for event in events], events, lengths)


def known_order(item: Item) -> RankingLabel:
    """Return the known answer of a gold item as a label."""
    order = (item.gold or {}).get("order", [])
    return RankingLabel(labeler="gold", order=tuple(tuple(group) for group in order))


def meetings(found: Iterable[Judged]) -> Iterator[Met]:
    """Yield every two labelers of every item."""
    for one in found:
        for (first, event), (second, other) in itertools.combinations(zip(one.labels, one.events, strict=True), 2):
            counts = compare_labels(first, second)
            versions = {event.guideline_version or 0, other.guideline_version or 0}
            version = versions.pop() if len(versions) == 1 else None
            yield Met(one.item_id, max(event.time, other.time), version, counts.equal, counts.opposite)


def by_item(met: Iterable[Met]) -> ByItem:
    """Return a 1 for each judgement that two labelers share, a 0 for each in which they contradict each other."""
    return _tally((one.item_id, one) for one in met)


def pairwise(found: Sequence[Judged], name: str) -> ByItem:
    """Return the judgements of one labeler beside everybody else's."""
    return _tally((one.item_id, compare_labels(*pair)) for one in found for pair in _pairs(one, name))


def taus(found: Sequence[Judged], name: str | None) -> ByItem:
    """Return Kendall's tau-b of every two labelers, or of one labeler and each other."""
    values: ByItem = defaultdict(list)
    for one in found:
        correlations = (tau_b(first, second) for first, second in _pairs(one, name))
        values[one.item_id] += [value for value in correlations if value is not None]
    return values


def against_gold(found: Sequence[Judged], truths: Mapping[int, RankingLabel], name: str | None) -> ByItem:
    """Return the judgements of one labeler, or of all, beside the known answers."""
    return _tally(
        (one.item_id, compare_labels(label, truths[one.item_id]))
        for one in found
        for label in one.labels
        if name is None or label.labeler == name
    )


def order_units(found: Sequence[Judged]) -> list[list[list[float]]]:
    """Return, for Krippendorff's alpha, who put which of two completions above the other, by item."""
    prompts = []
    for one in found:
        values: dict[tuple[str, str], list[float]] = {pair: [] for pair in itertools.combinations(one.lengths, 2)}
        for label in one.labels:
            above = {(pair.chosen, pair.rejected) for pair in strict_pairs(label)}
            for pair, said in values.items():
                said.append(1.0 if pair in above else -1.0 if pair[::-1] in above else 0.0)
        prompts.append(list(values.values()))
    return prompts


def rate_of(values: ByItem) -> Rate | None:
    """Return the share of ones with its interval; None where nothing was judged."""
    clusters = [said for said in values.values() if said]
    return clustered_rate(clusters, seed=SEED) if clusters else None


def mean_of(values: ByItem) -> Rate | None:
    """Return the mean with its interval; None with fewer than two items."""
    clusters = [said for said in values.values() if said]
    try:
        return cluster_bootstrap(clusters, seed=SEED)
    except DataError:  # fewer than two items
        return None


def _tally(compared: Iterable[tuple[int, Counts | Met]]) -> ByItem:
    values: ByItem = defaultdict(list)
    for item_id, counts in compared:
        values[item_id] += [1.0] * counts.equal + [0.0] * counts.opposite
    return values


def _pairs(one: Judged, name: str | None) -> Iterator[tuple[RankingLabel, RankingLabel]]:
    for first, second in itertools.combinations(one.labels, 2):
        if name is None or name in (first.labeler, second.labeler):
            yield first, second
