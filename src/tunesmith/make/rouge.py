"""ROUGE-L and ROUGE-N: how much two texts have in common (Lin 2004, https://aclanthology.org/W04-1013)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_TOKEN = re.compile(r"[a-z0-9]+")


def tokens(text: str) -> list[str]:
    """Return the words of a text, small letters and digits only, as the reference implementation has them."""
    return _TOKEN.findall(text.lower())


def rouge_l(one: Sequence[str], other: Sequence[str]) -> float:
    """Return the F-measure of the longest common subsequence, 0 to 1: 2 LCS / (m + n). Two empty texts give 0."""
    return 2 * _lcs(one, other) / (len(one) + len(other)) if one and other else 0.0


def rouge_l_reaches(one: Sequence[str], other: Sequence[str], threshold: float) -> bool:
    """Return whether ROUGE-L is at least `threshold`, without computing it where the words in common forbid it."""
    if not one or not other:
        return threshold <= 0
    # The subsequence is at most as long as the words that both have, whatever their order.
    common = (Counter(one) & Counter(other)).total()
    if 2 * common < threshold * (len(one) + len(other)):
        return False
    return rouge_l(one, other) >= threshold


def rouge_n(one: Sequence[str], other: Sequence[str], n: int) -> float:
    """Return the F-measure of the n-grams in common, 0 to 1; 0 where either text has none."""
    grams = [Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1)) for words in (one, other)]
    total = grams[0].total() + grams[1].total()
    return 2 * (grams[0] & grams[1]).total() / total if total else 0.0


def _lcs(one: Sequence[str], other: Sequence[str]) -> int:
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for j, own in enumerate(other, 1):
            diagonal, row[j] = row[j], diagonal + 1 if word == own else max(row[j], row[j - 1])
    return row[-1]
