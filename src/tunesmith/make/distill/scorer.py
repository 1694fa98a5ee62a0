"""What chooses among several answers: a score per completion, higher is better. A reward model is one such scorer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tunesmith.core.records import Message
from tunesmith.make.rouge import rouge_l, tokens


class Scorer(Protocol):
    """Scores completions of one prompt."""

    name: str

    def score(self, prompt: Sequence[Message], completions: Sequence[str]) -> list[float]:
        """Return one score a completion, higher is better."""
        ...


class Agreement:
    """Scores an answer by how much the other answers agree with it: the mean ROUGE-L with them.

    The answer most like the others is the one that minimises the expected disagreement (minimum Bayes risk decoding).
    It needs no model; with two answers both score alike and the first is taken.
    """

    name = "agreement"

    def score(self, prompt: Sequence[Message], completions: Sequence[str]) -> list[float]:
        """Return each completion's mean ROUGE-L F-measure with the others, 0 to 1; 0 for a single one."""
        words = [tokens(text) for text in completions]
        scores = []
        for i, own in enumerate(words):
            others = [rouge_l(own, other) for j, other in enumerate(words) if j != i]
            scores.append(sum(others) / len(others) if others else 0.0)
        return scores
