"""Exact match and token F1 after SQuAD's normalisation (Rajpurkar et al. 2016, arXiv 1606.05250, sec. 6.1)."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Return the text in lower case without punctuation, articles and extra white space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(text: str, reference: str) -> float:
    """Return 1 where both are equal after normalisation."""
    return float(normalised(text) == normalised(reference))


def token_f1(text: str, reference: str) -> float:
    """Return the F1 of the bags of words; where one is empty, 1 if both are, else 0."""
    ours, theirs = normalised(text).split(), normalised(reference).split()
    if not ours or not theirs:
        return float(ours == theirs)
    common = (Counter(ours) & Counter(theirs)).total()
    return 2 * common / (len(ours) + len(theirs)) if common else 0.0


def best_of(values: Sequence[float]) -> float:
    """Return the highest value over several references."""
    return max(values)
