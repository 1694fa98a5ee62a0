"""Repetition by the rules of Gopher (Rae et al. 2021, arXiv 2112.11446, table A1), fitted to short answers.

Departures: the paper's rules are for web documents. Honest short answers repeat a term more often, so the limits on
n-grams are `tolerance` times Gopher's and apply from `min_words` words on; lines are compared from four lines on; and
words that follow themselves again and again are found in texts of any length.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tunesmith.checks.worded import Worded
from tunesmith.core.config import Strict

# Gopher's limits: the share of characters in the most common n-gram, and in n-grams that occurred before.
TOP_NGRAM = {2: 0.20, 3: 0.18, 4: 0.16}
REPEATED_NGRAM = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
LONGEST_RUN = 12


class RepetitionConfig(Strict):
    """Repetition."""

    min_words: int = Field(40, ge=1, description="n-gram rules apply to texts of at least so many words")
    tolerance: float = Field(4.5, gt=0, le=5, description="times Gopher's limits on n-grams; 1 for web documents")
    max_run: int = Field(4, ge=2, description="how often one word or sequence of up to 12 words may follow itself")
    max_repeated_lines: float = Field(0.4, gt=0, le=1, description="share of lines that occurred before (Gopher: 0.30)")


def repetition(text: Worded, config: RepetitionConfig) -> str:
    """Return which rule a text breaks, with the number, or nothing."""
    # With numbers and punctuation: items of a list that differ in their number are not the same.
    words = text.low.split()
    if reason := _lines(text.text, config.max_repeated_lines):
        return reason
    if len(words) < 5:
        return ""
    # Whatever is looked for holds a pair of words three times, or a 5-gram twice; most texts do not.
    repeats = len(words) - 1 - len(set(pairwise(words)))
    if repeats >= 2 and len(words) >= config.min_words and (reason := _top_ngrams(words, config.tolerance, repeats)):
        return reason
    if repeats < 4:
        return ""
    fives = list(zip(words, words[1:], words[2:], words[3:], words[4:], strict=False))
    if len(set(fives)) == len(fives):
        return ""
    if reason := _run(words, config.max_run):
        return reason
    return _repeated_ngrams(words, config.tolerance) if len(words) >= config.min_words else ""


def _lines(text: str, limit: float) -> str:
    # Lines of code repeat as words do.
    if text.count("\n") < 3 or "```" in text:
        return ""
    lines = [line for line in (piece.strip() for piece in text.split("\n")) if len(line) > 3]
    if len(lines) < 4:
        return ""
    repeated = 1 - len(set(lines)) / len(lines)
    return f"{repeated:.0%} of its lines occurred before (limit {limit:.0%})" if repeated > limit else ""


def _run(words: list[str], limit: int) -> str:
    """Find a sequence of 1 to 12 words that follows itself `limit` times, and at least 5 words of it."""
    codes = _codes(words)
    for size in range(1, LONGEST_RUN + 1):
        needed = max(5, size * limit)
        same = codes[:-size] == codes[size:]
        if np.count_nonzero(same) < needed:
            continue
        place = 0
        for equal, group in groupby(same.tolist()):
            length = len(list(group))
            # Rows of dots and stars are rules on paper, no words.
            if equal and length >= needed and any(c.isalnum() for word in words[place : place + size] for c in word):
                return f'"{" ".join(words[place : place + size])[:60]}" follows itself {length // size} times'
            place += length
    return ""


def _top_ngrams(words: list[str], tolerance: float, repeats: int) -> str:
    """Apply the rule of the most common n-gram; `repeats` pairs of words occurred before."""
    total = sum(map(len, words))
    # An n-gram is at most as common as its most common pair, and few words have over 12 letters.
    least = min(TOP_NGRAM.values()) * tolerance * total / (4 * 12)
    if repeats + 1 < least or max(Counter(pairwise(words)).values()) < least:
        return ""
    for size, gopher in TOP_NGRAM.items():
        ngram, count = Counter(zip(*(words[i:] for i in range(size)), strict=False)).most_common(1)[0]
        letters = sum(map(len, ngram))
        share = min(1.0, count * letters / total)
        # Single letters repeat in every formula.
        if count > 2 and letters > 2 * size and share > gopher * tolerance:
            return f'"{" ".join(ngram)[:60]}" makes {share:.0%} of it (limit {gopher * tolerance:.0%})'
    return ""


def _repeated_ngrams(words: list[str], tolerance: float) -> str:
    """Apply the rule of repeated n-grams; a character counts once, however many n-grams cover it."""
    lengths = np.array([len(word) for word in words])
    codes = _codes(words)
    ngrams, size = codes, 1
    for wanted, gopher in REPEATED_NGRAM.items():
        while size < wanted:
            # An n-gram's number and its next word's give the number of the longer one, without a chance of confusion.
            ngrams = np.unique(ngrams[:-1] * len(words) + codes[size:], return_inverse=True)[1]
            size += 1
        again = np.ones(len(ngrams), dtype=bool)
        again[np.unique(ngrams, return_index=True)[1]] = False
        edges = np.zeros(len(words) + 1, dtype=np.int64)
        edges[:-size] += again
        edges[size:] -= again
        share = float(lengths[np.cumsum(edges[:-1]) > 0].sum() / lengths.sum())
        if share > gopher * tolerance:
            return f"{share:.0%} of it are {size}-word sequences that occurred before (limit {gopher * tolerance:.0%})"
        # Longer n-grams cover no more than shorter ones.
        if share <= min(REPEATED_NGRAM.values()) * tolerance:
            return ""
    return ""


def _codes(words: list[str]) -> NDArray[np.int64]:
    """Return a number for each word, the same for the same word, below the number of words."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(word, len(numbers)) for word in words], dtype=np.int64)
