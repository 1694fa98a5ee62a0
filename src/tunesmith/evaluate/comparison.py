"""Two logs of the same items: paired differences per measure, tested, and the samples that got better or worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.evaluate.sample_log import Sample
from tunesmith.evaluate.scorer import Measure
from tunesmith.statistics.rates import Rate, cluster_bootstrap, wilson
from tunesmith.statistics.several_tests import Correction, corrected, sign_flip_test

SHOWN = 8


class Difference(NamedTuple):
    """Second minus first. `p` is raw, `adjusted` after correction over all primary measures; None for secondary ones.

    `rate.n` counts clusters; `paired` items have values in both logs.
    """

    task: str
    measure: Measure
    first: float
    second: float
    rate: Rate
    p: float
    adjusted: float | None
    paired: int

    @property
    def verdict(self) -> str:
        """Return "better", "worse" or "no measurable change" at 5 % after correction; "not tested" if secondary."""
        if self.adjusted is None:
            return "not tested"
        if self.adjusted >= 0.05:
            return "no measurable change"
        return "better" if (self.rate.value > 0) == self.measure.higher_is_better else "worse"

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "task": self.task,
            "measure": self.measure.name,
            "label": self.measure.label,
            "unit": self.measure.unit,
            "higher_is_better": self.measure.higher_is_better,
            "first": self.first,
            "second": self.second,
            "difference": self.rate.to_json(),
            "p": self.p,
            "p_adjusted": self.adjusted,
            "verdict": self.verdict,
            "paired_items": self.paired,
        }


class Changed(NamedTuple):
    """An item whose value of the task's first primary measure changed by `change` (positive is better)."""

    task: str
    measure: Measure
    change: float
    first: Sample
    second: Sample


class Comparison(NamedTuple):
    """`alone` counts the items of each log that the other lacks: they are compared with nothing."""

    differences: list[Difference]
    better: list[Changed]
    worse: list[Changed]
    alone: tuple[int, int]


def compare_logs(
    first: Sequence[Sample],
    second: Sequence[Sample],
    measures: Mapping[str, Sequence[Measure]],
    *,
    correction: Correction,
    seed: int,
) -> Comparison:
    """Return how the second log differs from the first; `measures` are those of each task.

    Raises:
        DataError: the logs share no item.
    """
    ours = {(s.task, s.item.key): s for s in first}
    theirs = {(s.task, s.item.key): s for s in second}
    shared = [key for key in ours if key in theirs]
    if not shared:
        raise DataError("the two logs share no item", remedy="evaluate both models on the same suites and seed")
    pairs = [(ours[key], theirs[key]) for key in shared]
    found = []
    for task in dict.fromkeys(key[0] for key in shared):
        inside = [pair for pair in pairs if pair[0].task == task]
        found += [d for m in measures.get(task, ()) if (d := _difference(task, m, inside, seed=seed)) is not None]
    changed = _changed(pairs, measures)
    alone = (len(ours) - len(shared), len(theirs) - len(shared))
    compared = Comparison(
        found,
        _by_turns([c for c in changed if c.change > 0])[:SHOWN],
        _by_turns([c for c in reversed(changed) if c.change < 0])[:SHOWN],
        alone,
    )
    return corrected_together([compared], correction)[0]


def corrected_together(comparisons: Sequence[Comparison], correction: Correction) -> list[Comparison]:
    """Return the comparisons with p-values adjusted over the primary measures of all of them: they are one family."""
    tested = [d for one in comparisons for d in one.differences if d.measure.primary]
    adjusted = iter(corrected([d.p for d in tested], correction))
    return [
        one._replace(
            differences=[d._replace(adjusted=next(adjusted)) if d.measure.primary else d for d in one.differences]
        )
        for one in comparisons
    ]


def _by_turns(changed: Sequence[Changed]) -> list[Changed]:
    """Return the items such that every task has its turn before any task has a second one."""
    turns: dict[str, int] = {}
    numbered = []
    for one in changed:
        turns[one.task] = turns.get(one.task, 0) + 1
        numbered.append((turns[one.task], one))
    return [one for _, one in sorted(numbered, key=lambda pair: pair[0])]


def _difference(task: str, measure: Measure, pairs: Sequence[tuple[Sample, Sample]], *, seed: int) -> Difference | None:
    """Return a measure's paired difference, clustered as its items are; None where no item has it in both logs."""
    clusters: dict[str, list[tuple[float, float]]] = {}
    paired = 0
    for one, other in pairs:
        before, after = one.scores.get(measure.name), other.scores.get(measure.name)
        if before and after:
            paired += 1
            row = (sum(before) / len(before), sum(after) / len(after))
            clusters.setdefault(one.item.cluster, []).append(row)
    if not clusters:
        return None
    rows = [row for some in clusters.values() for row in some]
    mean = [sum(row[side] for row in rows) / len(rows) for side in (0, 1)]
    differences = [[after - before for before, after in some] for some in clusters.values()]
    # The sum of a cluster's differences is what its sign flips as one.
    p = sign_flip_test([sum(some) for some in differences], seed=seed)
    return Difference(task, measure, mean[0], mean[1], _interval(differences, measure, seed=seed), p, None, paired)


def _interval(differences: Sequence[Sequence[float]], measure: Measure, *, seed: int) -> Rate:
    flat = [value for some in differences for value in some]
    value = sum(flat) / len(flat)
    if len(differences) > 1 and max(flat) - min(flat) > 0.0:
        return cluster_bootstrap(differences, seed=seed)
    if measure.unit != "share":
        return Rate(value, value, value, len(differences))
    # No prompt differs: the interval is that of the largest share of differing prompts which n do not rule out.
    margin = wilson(0, len(differences)).high
    return Rate(value, max(-1.0, value - margin), min(1.0, value + margin), len(differences))


def _changed(pairs: Sequence[tuple[Sample, Sample]], measures: Mapping[str, Sequence[Measure]]) -> list[Changed]:
    """Return the items whose first primary measure changed, the most improved first; preferences of a pair apart."""
    found = []
    for one, other in pairs:
        main = next((m for m in measures.get(one.task, ()) if m.primary), None)
        if main is None or main.unit == "bits":  # neither sentence of a pair is an answer
            continue
        before, after = one.scores.get(main.name), other.scores.get(main.name)
        if before and after:
            change = sum(after) / len(after) - sum(before) / len(before)
            signed = change if main.higher_is_better else -change
            if signed:
                found.append(Changed(one.task, main, signed, one, other))
    return sorted(found, key=lambda c: (-c.change, c.task, c.first.item.key))
