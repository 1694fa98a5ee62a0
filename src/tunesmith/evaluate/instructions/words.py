"""Instructions about words and letters: keywords, forbidden words, frequencies, capitals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tunesmith.evaluate.instructions.language import is_language
from tunesmith.evaluate.instructions.relation import holds

_WORD = re.compile(r"\w+(?:[-'’.]\w+)*")


def has_keywords(text: str, wanted: Mapping[str, Any]) -> bool:
    """Every keyword occurs, whatever its case, also inside a word."""
    return all(word.lower() in text.lower() for word in wanted["keywords"])


def keyword_frequency(text: str, wanted: Mapping[str, Any]) -> bool:
    """The keyword occurs at least, or less than, so many times."""
    count = text.lower().count(str(wanted["keyword"]).lower())
    return holds(count, wanted["relation"], wanted["frequency"])


def no_forbidden_words(text: str, wanted: Mapping[str, Any]) -> bool:
    """None of the words occurs as a whole word."""
    return not any(re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in wanted["forbidden_words"])


def letter_frequency(text: str, wanted: Mapping[str, Any]) -> bool:
    """The letter or sign occurs at least, or less than, so many times, whatever its case."""
    count = text.lower().count(str(wanted["letter"]).lower())
    return holds(count, wanted["let_relation"], wanted["let_frequency"])


def capital_words(text: str, wanted: Mapping[str, Any]) -> bool:
    """At least, or less than, so many words stand in capitals throughout; a single capital letter is one."""
    count = sum(word.isupper() for word in _WORD.findall(text))
    return holds(count, wanted["capital_relation"], wanted["capital_frequency"])


def all_capitals(text: str, wanted: Mapping[str, Any]) -> bool:
    """English in capitals only."""
    return text.isupper() and is_language(text.lower(), "en")


def all_lowercase(text: str, wanted: Mapping[str, Any]) -> bool:
    """English without a capital letter."""
    return text.islower() and is_language(text, "en")


def no_comma(text: str, wanted: Mapping[str, Any]) -> bool:
    """There is no comma."""
    return "," not in text
