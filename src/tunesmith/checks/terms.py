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
        used = [other for other in others if other.lower() in text.low and _word(other.lower()).search(text.low)]
        if used:
            found.append(f'"{", ".join(used)}" for "{preferred}"')
    return "says " + "; ".join(found) if found else ""


@lru_cache(maxsize=1024)
def _word(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(term)}(?:s|es)?(?!\w)")
