"""How often a reward model orders a pair of completions as a labeler did."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.core.records import Ranking
from tunesmith.statistics.agreement import StrictPair, strict_pairs
from tunesmith.statistics.rates import Rate, clustered_rate


class Margin(NamedTuple):
    """score(chosen) - score(rejected) of one labeler's pair; `prompt` is the cluster it belongs to."""

    prompt: str
    delta: float


class RewardAccuracy(NamedTuple):
    """(correct + tied / 2) / pairs, `rate.n` in prompts. `not_a_number` pairs are counted among the tied ones."""

    rate: Rate
    correct: int
    tied: int
    wrong: int
    not_a_number: int


def margins(
    rankings: Sequence[Ranking], scores: Sequence[Mapping[str, float]], *, labelers: Collection[str] | None = None
) -> list[Margin]:
    """Return one margin per pair that one of `labelers` (None: all) ordered; `scores[i]` maps completion id to score.

    Raises:
        DataError: a ranked completion has no score.
    """
    if len(rankings) != len(scores):
        raise DataError(f"{len(rankings)} rankings but {len(scores)} sets of scores")
    found: list[Margin] = []
    for index, (ranking, score) in enumerate(zip(rankings, scores, strict=True)):
        for label in ranking.rankings:
            if labelers is None or label.labeler in labelers:
                found += [_margin(index, score, pair) for pair in strict_pairs(label)]
    return found


def _margin(index: int, score: Mapping[str, float], pair: StrictPair) -> Margin:
    missing = {pair.chosen, pair.rejected} - score.keys()
    if missing:
        raise DataError(f"completion {sorted(missing)[0]!r} has no score", where=f"rankings[{index}]")
    return Margin(str(index), score[pair.chosen] - score[pair.rejected])


def shared_margins(
    rankings: Sequence[Ranking], scores: Sequence[Mapping[str, float]], *, labelers: Collection[str]
) -> list[Margin]:
    """Return a margin for each pair that one of `labelers` ordered, once for every other of them who ordered it too.

    These are the judgements that `labeler_agreement` counts: beside that number, accuracy has to speak of the same
    pairs. Where one labeler sees a tie, which the agreement leaves out, the others' order is hard to foretell.

    Raises:
        DataError: a ranked completion has no score.
    """
    found: list[Margin] = []
    for index, (ranking, score) in enumerate(zip(rankings, scores, strict=True)):
        labels = [label for label in ranking.rankings if label.labeler in labelers]
        for one, other in itertools.permutations(labels, 2):
            ordered = {frozenset(pair) for pair in strict_pairs(other)}
            found += [_margin(index, score, pair) for pair in strict_pairs(one) if frozenset(pair) in ordered]
    return found


def reward_accuracy(pairs: Sequence[Margin], *, seed: int) -> RewardAccuracy:
    """Return the accuracy with an interval over prompts; equal or undefined scores are ties, worth one half.

    Raises:
        DataError: no pairs.
    """
    by_prompt: dict[str, list[float]] = {}
    for pair in pairs:
        by_prompt.setdefault(pair.prompt, []).append(_points(pair.delta))
    points = [point for values in by_prompt.values() for point in values]
    return RewardAccuracy(
        rate=clustered_rate(list(by_prompt.values()), seed=seed),
        correct=points.count(1.0),
        tied=points.count(0.5),
        wrong=points.count(0.0),
        not_a_number=sum(math.isnan(pair.delta) for pair in pairs),
    )


def _points(delta: float) -> float:
    if math.isnan(delta) or delta == 0.0:
        return 0.5
    return 1.0 if delta > 0.0 else 0.0
