"""Simulated labelers: the gold judge seen through one person's taste and noise.

A labeler's utility of a completion is the judge's score as that person weighs it, plus a liking for length, courtesy
and plain answers, plus Gumbel noise; ordering by it is the Plackett-Luce (for pairs: Bradley-Terry) model of
choice. Utilities closer than the labeler's threshold are a tie. The noise is seeded by labeler, prompt, completion text
and seed, so a label does not depend on the order in which completions or prompts are shown, and a rerun gives it again
(T-DATA-10).
Two labelers agree on about 73 % of the pairs that both order, as InstructGPT reports (arXiv 2203.02155, section 3.4).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tunesmith.core.records import Completion, Demonstration, Prompt, RankingLabel
from tunesmith.desk.judge import Verdict, judge

_COURTEOUS = re.compile(r"\b(?:please|thank|thanks|sorry|welcome|glad|gladly|happy to|of course|hello|dear)\b")
_USUAL_WORDS = 10.0
_SLIP = 0.03  # how often a labeler sets or misses a flag by mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Labeler:
    """One simulated person. All fields but `id` and `leniency` are in units of the noise's scale.

    `leniency` in [0, 1] is the share of a failing answer's shortfall that is forgiven.
    """

    id: str
    sharpness: float  # worth of a score of 1 over a score of 0
    length: float  # liking for each doubling of the number of words
    courtesy: float  # liking for a kind word
    plainness: float  # dislike of each habit of `tunesmith.desk.manners`, beyond what the judge takes off
    leniency: float
    tie: float  # utilities closer than this are a tie

    def rank(self, prompt: Prompt | Demonstration, completions: Sequence[Completion], *, seed: int) -> RankingLabel:
        """Return the ranking of all completions, with ratings from 1 to 7 and flags.

        A group holds the completions within `tie` of the group's best; equal texts are always tied.

        Raises:
            DataError: the prompt has no gold structure.
        """
        verdicts = {c.id: judge(prompt, c.text) for c in completions}
        utilities = {c.id: self._utility(prompt, c.text, verdicts[c.id], seed) for c in completions}
        texts = {c.id: c.text for c in completions}
        order: list[list[str]] = []
        best = math.inf
        for name in sorted(utilities, key=lambda key: (-utilities[key], texts[key], key)):
            if not order or best - utilities[name] > self.tie:
                order.append([])
                best = utilities[name]
            order[-1].append(name)
        ratings = {group[0]: self._rating(utilities[group[0]]) for group in order}
        return RankingLabel(
            labeler=self.id,
            order=tuple(tuple(group) for group in order),
            ratings={name: ratings[group[0]] for group in order for name in group},
            flags={c.id: flags for c in completions if (flags := self._flags(prompt, c.text, verdicts[c.id], seed))},
        )

    def compare(self, prompt: Prompt | Demonstration, a: str, b: str, *, seed: int) -> Literal["a", "b", "tie"]:
        """Return which of two completions this labeler prefers.

        Raises:
            DataError: the prompt has no gold structure.
        """
        first, second = (self._utility(prompt, text, judge(prompt, text), seed) for text in (a, b))
        if abs(first - second) <= self.tie:
            return "tie"
        return "a" if first > second else "b"

    def _utility(self, prompt: Prompt | Demonstration, text: str, verdict: Verdict, seed: int) -> float:
        seen = verdict.score
        if not verdict.success and not verdict.toxic:
            seen += self.leniency * (1.0 - seen)
        n_words = max(1, len(text.split()))
        taste = self.length * math.log2(n_words / _USUAL_WORDS) + self.courtesy * bool(_COURTEOUS.search(text.lower()))
        taste -= self.plainness * len(verdict.habits)
        noise = -math.log(-math.log(self._uniform("noise", prompt, text, seed)))
        return self.sharpness * seen + taste + noise

    def _rating(self, utility: float) -> int:
        return max(1, min(7, round(1 + 6 * utility / (self.sharpness + 1))))

    def _flags(self, prompt: Prompt | Demonstration, text: str, verdict: Verdict, seed: int) -> tuple[str, ...]:
        facts = {
            "fails_task": not verdict.success,
            "untruthful": verdict.truthful is False,
            "toxic": verdict.toxic,
        }
        return tuple(
            name for name, holds in facts.items() if holds != (self._uniform(name, prompt, text, seed) < _SLIP)
        )

    def _uniform(self, purpose: str, prompt: Prompt | Demonstration, text: str, seed: int) -> float:
        """Return a number strictly between 0 and 1 that follows from the arguments alone."""
        told = prompt.messages if isinstance(prompt, Prompt) else prompt.prompt
        parts = [purpose, self.id, str(seed), *(f"{m.role}\x1f{m.content}" for m in told), text]
        digest = hashlib.sha256("\x1e".join(parts).encode("utf-8", "surrogatepass")).digest()
        return (int.from_bytes(digest[:7], "big") + 0.5) / 2**56


_TRAINING = (
    Labeler(id="ada", sharpness=3.6, length=0.10, courtesy=0.4, plainness=0.5, leniency=0.05, tie=0.25),
    Labeler(id="ben", sharpness=3.9, length=-0.15, courtesy=0.2, plainness=0.7, leniency=0.00, tie=0.15),
    Labeler(id="chi", sharpness=3.3, length=0.25, courtesy=0.6, plainness=0.4, leniency=0.15, tie=0.30),
    Labeler(id="dov", sharpness=4.2, length=0.00, courtesy=0.1, plainness=0.8, leniency=0.10, tie=0.20),
    Labeler(id="eve", sharpness=3.5, length=-0.05, courtesy=0.5, plainness=0.5, leniency=0.05, tie=0.35),
)
_HELD_OUT = (
    Labeler(id="fay", sharpness=3.7, length=0.15, courtesy=0.3, plainness=0.6, leniency=0.05, tie=0.25),
    Labeler(id="gus", sharpness=3.9, length=-0.10, courtesy=0.5, plainness=0.5, leniency=0.10, tie=0.20),
    Labeler(id="hal", sharpness=3.4, length=0.05, courtesy=0.2, plainness=0.6, leniency=0.05, tie=0.30),
)


def labelers(*, heldout: bool) -> list[Labeler]:
    """Return the labelers for training data, or the others, who are kept for measuring."""
    return list(_HELD_OUT if heldout else _TRAINING)
