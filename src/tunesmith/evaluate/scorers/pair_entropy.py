"""How undecided a model is between the two sentences of a pair: binary entropy in bits, 1 without a preference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.evaluate.scorer import Measure, Response, Values, require_likelihoods


def binary_entropy(p: float) -> float:
    """Return -p log2 p - (1 - p) log2 (1 - p) in bits; 0 at both ends."""
    return 0.0 if p <= 0.0 or p >= 1.0 else -(p * math.log2(p) + (1 - p) * math.log2(1 - p))


def share_of_first(first: float, second: float) -> float:
    """Return the first log-prob's probability, renormalised over the pair; finite for any log-probs."""
    difference = second - first
    return 1.0 / (1.0 + math.exp(difference)) if difference < 700 else 0.0


class PairEntropy:
    """Entropy (Ouyang et al. 2022, appendix D) and how often the first sentence of a pair is the likelier one."""

    def __init__(self, first: str) -> None:
        self.name = "pair entropy"
        self.measures: Sequence[Measure] = (
            Measure("entropy", "entropy", unit="bits", primary=True),
            Measure(first, first.replace("_", " "), higher_is_better=None),
        )
        self._first = first

    def score(self, target: Mapping[str, Any], response: Response) -> Values:
        """Return both values; equal likelihoods count one half."""
        first, second = require_likelihoods(response).logprobs
        p = share_of_first(first, second)
        likelier = 0.5 if first == second else float(first > second)
        return {"entropy": [binary_entropy(p)], self._first: [likelier]}
