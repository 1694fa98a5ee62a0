"""The comparisons inside a ranking: C(K, 2) per labeler, less the ties (InstructGPT, arXiv 2203.02155, section 3.5)."""

from __future__ import annotations

from itertools import combinations

from tunesmith.core.records import Comparison, Ranking


def comparisons(ranking: Ranking) -> list[Comparison]:
    """Return one comparison per labeler and pair of completions that the labeler did not tie.

    Completions that a labeler did not rank take part in none of that labeler's comparisons. `meta` is the ranking's,
    with `labeler` added. Order: labelers as given; within one, pairs by rank of the chosen, then of the rejected.
    """
    texts = {completion.id: completion.text for completion in ranking.completions}
    return [
        Comparison(
            messages=ranking.messages,
            chosen=texts[better],
            rejected=texts[worse],
            meta={**ranking.meta, "labeler": label.labeler} if label.labeler else ranking.meta,
        )
        for label in ranking.rankings
        for upper, lower in combinations(label.order, 2)
        for better in upper
        for worse in lower
    ]
