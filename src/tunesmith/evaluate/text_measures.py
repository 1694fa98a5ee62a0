"""Signs of collapse in generated text: length, variety, repetition."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

import numpy as np

WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


def words(text: str) -> list[str]:
    """Return lower-case words and punctuation marks; the unit of `distinct_2` in reports."""
    return WORD.findall(text.lower())


def mean_length(lengths: Sequence[int]) -> float | None:
    """Return the mean length, in the unit given; None where there is nothing to measure."""
    return float(np.mean(lengths)) if lengths else None


def distinct_n(sequences: Sequence[Sequence[Hashable]], n: int) -> float | None:
    """Return distinct n-grams / n-grams over all sequences together (Li et al. 2016, arXiv 1510.03055, distinct-n).

    It falls as the number of sequences grows, so compare only over the same prompts. None where no sequence has n
    items: undefined is not zero.
    """
    grams = [gram for sequence in sequences for gram in _grams(sequence, n)]
    return len(set(grams)) / len(grams) if grams else None


def repetition_share(sequences: Sequence[Sequence[Hashable]], n: int = 4) -> float | None:
    """Return the mean over sequences of 1 - distinct n-grams / n-grams within each (Welleck et al. 2020, seq-rep-n).

    0 means that no n-gram occurs twice in a sequence. Sequences shorter than n are left out; None where all are.
    """
    shares = [1.0 - len(set(grams)) / len(grams) for s in sequences if (grams := _grams(s, n))]
    return float(np.mean(shares)) if shares else None


def _grams(sequence: Sequence[Hashable], n: int) -> list[tuple[Hashable, ...]]:
    return [tuple(sequence[i : i + n]) for i in range(len(sequence) - n + 1)]
