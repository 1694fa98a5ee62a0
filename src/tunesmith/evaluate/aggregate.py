"""A task's samples become one number per measure with its interval, by cluster; what is unscored is counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.evaluate.sample_log import Sample
from tunesmith.evaluate.scorer import Measure
from tunesmith.statistics.rates import Rate, cluster_bootstrap, clustered_rate

Clusters = Mapping[str, list[float]]


class Aggregate(NamedTuple):
    """A task's results. `unscored[measure]` counts items without a value; `groups[kind][name][measure]` is a rate."""

    items: int
    measures: dict[str, Rate]
    unscored: dict[str, int]
    groups: dict[str, dict[str, dict[str, Rate]]]


def aggregate(samples: Sequence[Sample], measures: Sequence[Measure], *, seed: int) -> Aggregate:
    """Return every measure's mean over pooled values; groups are broken down for the primary measures.

    Raises:
        DataError: there are no samples.
    """
    if not samples:
        raise DataError("there is nothing to aggregate")
    found, unscored = {}, {}
    for measure in measures:
        rate = mean_of(samples, measure, seed=seed)
        if rate is not None:
            found[measure.name] = rate
        missing = sum(not sample.scores.get(measure.name) for sample in samples)
        if missing:
            unscored[measure.name] = missing
    groups: dict[str, dict[str, dict[str, Rate]]] = {}
    primary = [measure for measure in measures if measure.primary]
    for kind in sorted({kind for sample in samples for kind in sample.item.groups}):
        names = sorted({s.item.groups[kind] for s in samples if kind in s.item.groups})
        for name in names:
            inside = [s for s in samples if s.item.groups.get(kind) == name]
            rates = {m.name: rate for m in primary if (rate := mean_of(inside, m, seed=seed)) is not None}
            groups.setdefault(kind, {})[name] = rates
    return Aggregate(len(samples), found, unscored, groups)


def mean_of(samples: Iterable[Sample], measure: Measure, *, seed: int) -> Rate | None:
    """Return a measure's mean with its interval, `n` counting clusters; None where nothing was scored."""
    clusters: dict[str, list[float]] = {}
    for sample in samples:
        values = sample.scores.get(measure.name, ())
        if values:
            clusters.setdefault(sample.item.cluster, []).extend(map(float, values))
    if not clusters:
        return None
    if measure.unit == "share":
        return clustered_rate(list(clusters.values()), seed=seed)
    if len(clusters) == 1:  # one prompt says nothing about others: no interval but the value itself
        [values] = clusters.values()
        mean = sum(values) / len(values)
        return Rate(mean, mean, mean, 1)
    return cluster_bootstrap(list(clusters.values()), seed=seed)
