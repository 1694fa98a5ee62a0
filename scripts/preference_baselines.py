"""What a reward model must beat: guessing, length, and a bag of words, on the same held-out prompts.

python scripts/preference_baselines.py --data FILE [--data FILE ...] --validation-fraction 0.1 --seed 0
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit

from tunesmith.core.records import Comparison, Ranking
from tunesmith.evaluate.reward_accuracy import margins, reward_accuracy
from tunesmith.evaluate.text_measures import words
from tunesmith.recipes.ranked_rows import as_ranking
from tunesmith.recipes.records import read_records
from tunesmith.recipes.stage import held_out
from tunesmith.statistics.agreement import strict_pairs

VOCABULARY = 20_000
RIDGES = (0.01, 0.1, 1.0, 10.0, 100.0)
Scorer = Callable[[str], float]


def scores_of(rankings: Sequence[Ranking], scorer: Scorer) -> list[dict[str, float]]:
    """Return each completion's score by id."""
    return [{c.id: scorer(c.text) for c in r.completions} for r in rankings]


def accuracy(rankings: Sequence[Ranking], scorer: Scorer, seed: int) -> dict[str, object]:
    """Return pairwise accuracy with its interval over prompts."""
    return dict(reward_accuracy(margins(rankings, scores_of(rankings, scorer)), seed=seed).rate.to_json())


def text_pairs(rankings: Sequence[Ranking]) -> list[tuple[str, str]]:
    """Return (better, worse) texts of every strictly ordered pair."""
    found = []
    for ranking in rankings:
        texts = {c.id: c.text for c in ranking.completions}
        pairs = (pair for label in ranking.rankings for pair in strict_pairs(label))
        found += [(texts[pair.chosen], texts[pair.rejected]) for pair in pairs]
    return found


def length_scorer(training: Sequence[Ranking]) -> Scorer:
    """Return the better of `longer wins` and `shorter wins` on the training pairs."""
    longer = sum(np.sign(len(words(a)) - len(words(b))) for a, b in text_pairs(training))
    sign = 1.0 if longer >= 0 else -1.0
    return lambda text: sign * len(words(text))


def bag_of_words(training: Sequence[Ranking], ridge: float) -> Scorer:
    """Return a linear score of log(1 + count), fitted to the pairs by logistic regression with an L2 penalty."""
    pairs = text_pairs(training)
    seen = Counter(word for pair in pairs for text in pair for word in set(words(text)))
    columns = {word: i for i, (word, _) in enumerate(seen.most_common(VOCABULARY))}

    def matrix(texts: Sequence[str]) -> csr_matrix:
        entries: list[tuple[int, int, float]] = []
        for row, text in enumerate(texts):
            entries += [(row, columns[w], np.log1p(n)) for w, n in Counter(words(text)).items() if w in columns]
        rows, places, values = zip(*entries, strict=True) if entries else ((), (), ())
        return csr_matrix((values, (rows, places)), shape=(len(texts), len(columns)))

    difference = matrix([a for a, _ in pairs]) - matrix([b for _, b in pairs])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margin = difference @ weights
        value = np.logaddexp(0.0, -margin).sum() + ridge / 2 * weights @ weights
        return float(value), -(difference.T @ expit(-margin)) + ridge * weights

    weights = minimize(loss, np.zeros(len(columns)), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return lambda text: float((matrix([text]) @ weights)[0])


def best_bag(training: Sequence[Ranking], seed: int) -> tuple[float, Scorer]:
    """Return the ridge that does best on a fifth of the training prompts, and the scorer refitted on all of them."""
    fit, check = held_out(training, 0.2, seed + 1)

    def right(ridge: float) -> float:
        return float(cast(float, accuracy(check, bag_of_words(fit, ridge), seed)["value"]))

    ridge = max(RIDGES, key=right)
    return ridge, bag_of_words(training, ridge)


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", required=True)
    parser.add_argument("--validation-fraction", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    records = read_records(
        asked.data, ["ranking", "comparison"], log=lambda line: print(line, file=sys.stderr), desk_rows=1, seed=0
    )
    rankings = [as_ranking(r) for r in cast("list[Ranking | Comparison]", records)]
    training, validation = held_out(rankings, asked.validation_fraction, asked.seed)
    ridge, bag = best_bag(training, asked.seed)
    print(
        json.dumps(
            {
                "training_prompts": len(training),
                "validation_pairs": len(margins(validation, scores_of(validation, len))),
                "guess": 0.5,
                "length": accuracy(validation, length_scorer(training), asked.seed),
                "bag_of_words": {**accuracy(validation, bag, asked.seed), "ridge": ridge},
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
