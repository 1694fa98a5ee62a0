"""Spelling noise: the share of words that are one slip away from a common English word and are none themselves.

The list (`data/english_words.txt.gz`) holds the words of American government prose and of old books, all in the public
domain; `scripts/build_word_list.py` makes it. Words it does not know are only counted where a common word is one
insertion, deletion, replacement or transposition away (Damerau 1964), so names and jargon mostly do not count. Most
short words are one slip from some other, so a text needs slips in longer words (or swapped letters). English only.
"""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from pydantic import Field

from tunesmith.checks.language import FUNCTION_WORDS
from tunesmith.checks.toxicity import toxic_terms
from tunesmith.checks.worded import Text, Worded
from tunesmith.core.config import Strict

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LONG = 5  # letters
_ADDRESS = re.compile(r"\bhttps?://\S+|\bwww\.\S+|\S+@\S+")


class SpellingConfig(Strict):
    """Spelling noise."""

    min_typos: int = Field(3, ge=1, description="how many different slips a text must have at least")
    max_share: float = Field(0.1, ge=0, le=1, description="the share of words from which slips are noise")


class _Words(NamedTuple):
    known: frozenset[str]
    common: frozenset[str]


@lru_cache(maxsize=1)
def _words() -> _Words:
    data = gzip.decompress((files("tunesmith.checks") / "data" / "english_words.txt.gz").read_bytes()).decode()
    common, rare = data.split("\n\n")
    frequent = frozenset(common.split())
    return _Words(frequent | frozenset(rare.split()), frequent)


def spelling(text: Worded, config: SpellingConfig) -> str:
    """Return how many words of a text are slips, with the first ones, or nothing."""
    known = _words().known
    # Most texts end here: two set operations.
    if len(text.vocabulary - known) < config.min_typos or "```" in text.text:
        return ""
    if _ADDRESS.search(text.text):
        text = Worded(Text(text.field, text.role, _ADDRESS.sub(" ", text.text)))
    words = text.words
    unknown = text.vocabulary - known
    if not words or sum(map(FUNCTION_WORDS["English"].__contains__, words)) < 0.1 * len(words):
        return ""
    names = {word for word in unknown if _named(word, text.text)}
    slips = [word for word in words if word in unknown and word not in names and is_slip(word)]
    share = len(slips) / len(words)
    different = list(dict.fromkeys(slips))
    # One unknown term, however often, is a term.
    if sum(map(_sure, different)) < config.min_typos or share < config.max_share:
        return ""
    shown = ", ".join(different[:4])
    return f"{len(slips)} of {len(words)} words ({share:.0%}) look misspelt: {shown}"


def _named(word: str, text: str) -> bool:
    """Tell whether a word is written as a name or an abbreviation somewhere, in a text that is not all capitals."""
    return word.capitalize() in text or (word.upper() in text and not text.isupper())


def _sure(word: str) -> bool:
    return len(word) >= _LONG or _swapped(word)


def _swapped(word: str) -> bool:
    """Tell whether swapping two neighbours makes a common word."""
    return any(word[:i] + word[i + 1] + word[i] + word[i + 2 :] in _words().common for i in range(len(word) - 1))


@lru_cache(maxsize=1 << 17)
def is_slip(word: str) -> bool:
    """Tell whether a word is not in the list but one slip away from a common one that is."""
    known, common = _words()
    if word in known or word in toxic_terms() or not 3 <= len(word) <= 20 or not (word.isascii() and word.isalpha()):
        return False
    if _swapped(word):
        return True
    if len(word) == 3:
        return False
    pairs = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    if any(a + b[1:] in common for a, b in pairs if b):
        return True
    return any(a + c + b[cut:] in common for a, b in pairs for cut in (0, 1) if len(b) >= cut for c in _LETTERS)
