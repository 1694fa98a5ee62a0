"""Inconsistent terms: words that the glossary in the configuration replaces by one preferred term."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from tunesmith.checks.worded import Worded

Glossary = Mapping[str, Sequence[str]]


def terms(text: Worded, glossary: Glossary) -> str:
    """Return which other words a text uses for the glossary's terms, or nothing."""
    found = []
    for preferred, others in glossary.items():
        used = [other for other in others if other.lower() in text.low and _used(other, text)]
        if used:
            found.append(f'"{", ".join(used)}" for "{preferred}"')
    return "says " + "; ".join(found) if found else ""


def _used(term: str, text: Worded) -> bool:
    """Tell whether a text uses a term, and not only names that are spelt like it ("The Punter" is a restaurant)."""
    if not _word(term.lower()).search(text.low):
        return False
    return not term.islower() or _as_word(term).search(text.text) is not None


@lru_cache(maxsize=1024)
def _as_word(term: str) -> re.Pattern[str]:
    """Match a term in small letters, in capitals throughout, or with a capital where a sentence begins."""
    plain, ending = re.escape(term), "(?:s|es)?"
    begins = rf"(?:^|[.!?:]\s+|[\n\"“'‘(\[*•-]\s*){re.escape(term[0].upper() + term[1:])}{ending}"
    return re.compile(rf"(?<!\w){plain}{ending}(?!\w)|(?<!\w){re.escape(term.upper())}(?:S|ES)?(?!\w)|{begins}(?!\w)")


@lru_cache(maxsize=1024)
def _word(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(term)}(?:s|es)?(?!\w)")
