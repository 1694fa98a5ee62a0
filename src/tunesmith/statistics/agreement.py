"""How often labelers who ranked the same two completions agree.

Pairwise percent agreement, as InstructGPT reports it (arXiv 2203.02155, section 3.4: 72.6 % among training labelers,
77.3 % among held-out ones). The item is an unordered pair of completions of one prompt; ties are dropped there, as they
are in reward-model training. A pair counts where two labelers ordered it; a reward model's accuracy on all pairs that
one of them ordered holds harder ones too (`evaluate.reward_accuracy.shared_margins` has the same).
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.core.records import Ranking, RankingLabel
from tunesmith.statistics.rates import Rate, clustered_rate


class Agreement(NamedTuple):
    """Share of equal judgements; `rate.n` counts prompts, `judgements` pairs of labelers on pairs of completions.

    `tied` judgements, where at least one of the two labelers called the completions equal, are left out.
    """

    rate: Rate
    judgements: int
    tied: int


class StrictPair(NamedTuple):
    """One labeler's preference between two completion ids."""

    chosen: str
    rejected: str


def strict_pairs(label: RankingLabel) -> list[StrictPair]:
    """Return every pair that the labeler ordered; ties and completions left unranked give none."""
    groups = itertools.combinations(label.order, 2)
    return [StrictPair(better, worse) for high, low in groups for better in high for worse in low]


def labeler_agreement(rankings: Sequence[Ranking], *, seed: int, labelers: Collection[str] | None = None) -> Agreement:
    """Return the pairwise percent agreement among `labelers` (None: all) over prompts that two of them ranked.

    The interval resamples prompts.

    Raises:
        DataError: no two labelers ordered the same pair.
    """
    values: list[list[float]] = []
    tied = 0
    for ranking in rankings:
        labels = [label for label in ranking.rankings if labelers is None or label.labeler in labelers]
        agreed: list[float] = []
        for first, second in itertools.combinations(labels, 2):
            equal, opposite, undecided = compare_labels(first, second)
            agreed += [1.0] * equal + [0.0] * opposite
            tied += undecided
        if agreed:
            values.append(agreed)
    if not values:
        raise DataError(
            "no two labelers ordered the same pair of completions",
            where="rankings",
            remedy="let at least two labelers rank the same prompts",
        )
    return Agreement(clustered_rate(values, seed=seed), sum(map(len, values)), tied)


class Counts(NamedTuple):
    """Pairs of completions on which two labelers agree, contradict each other, or at least one sees a tie."""

    equal: int
    opposite: int
    undecided: int


def compare_labels(first: RankingLabel, second: RankingLabel) -> Counts:
    """Return how two labelers judged the pairs that both ranked."""
    one, two = set(strict_pairs(first)), set(strict_pairs(second))
    equal = len(one & two)
    opposite = len(one & {StrictPair(pair.rejected, pair.chosen) for pair in two})
    shared = _ranked(first) & _ranked(second)
    return Counts(equal, opposite, len(shared) * (len(shared) - 1) // 2 - equal - opposite)


def _ranked(label: RankingLabel) -> set[str]:
    return {completion for group in label.order for completion in group}
