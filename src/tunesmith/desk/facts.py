"""Read facts out of text: the tokens that can be true or false here, phrases, and whether a phrase is asserted."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from tunesmith.desk.world import table

_TOKEN = re.compile(r"[a-z0-9]+(?:[.'@:/-][a-z0-9]+)*|[%$.,;:!?–—]")
_NUMBER = re.compile(r"\d+")
_CAPITALISED = re.compile(r"\b[A-Z][a-z]+\b")
_LOWER = re.compile(r"[a-z]+")
_SPELLED = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "ten": "10",
    "twelve": "12", "fourteen": "14", "eighteen": "18", "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50",
    "sixty": "60", "ninety": "90", "hundred": "100",
}  # fmt: skip
_SPELLED_AMOUNT = re.compile(
    r"\b(" + "|".join(_SPELLED) + r")[ -](?:day|week|month|year|hour|minute|dollar|percent|piece|time|part|point|digit)"
)
# Names that are also everyday words at the start of a sentence.
_AMBIGUOUS = {"May", "March", "Mark", "Grace", "Reading", "Wells"}
_NEGATION = re.compile(r"^(?:not|never|neither|nor|instead|rather|than|without|isn't|aren't|wasn't|\w+n't)$")
_WINDOW = 4  # how many words before a phrase a negation reaches
_STOP = {
    "about", "also", "have", "here", "more", "please", "some", "that", "them", "then", "there", "they", "this", "what",
    "when", "which", "with", "would", "your", "from", "will", "been", "could", "does", "into", "need", "like", "help",
}  # fmt: skip


@cache
def _lexicon() -> tuple[frozenset[str], frozenset[str]]:
    """Return lower-case fact words (colours, materials) and capitalised ones (names, days, months, places)."""
    data = table("world")
    materials = {m for row in data["kinds"].values() for m in row[3]} - {"paper", "glass"}
    lower = frozenset([*data["colours"], *materials])
    carriers = {word for name in data["carriers"] for word in name.split()} - {"Post", "Line", "City"}
    names = {*data["series"], *data["first"], *data["cities"], *data["months"], *data["weekdays"], *carriers}
    return lower, frozenset(names - _AMBIGUOUS)


def fact_tokens(text: str) -> set[str]:
    """Return the numbers (also spelled-out amounts), colours, materials, names, days and places in a text."""
    lower_words, capitalised = _lexicon()
    lowered = text.lower()
    found = set(_NUMBER.findall(text))
    found.update(_SPELLED[word] for word in _SPELLED_AMOUNT.findall(lowered))
    found.update(lower_words.intersection(_LOWER.findall(lowered)))
    found.update(capitalised.intersection(_CAPITALISED.findall(text)))
    return found


def content_words(text: str) -> list[str]:
    """Return the different words of four letters or more that carry meaning, sorted."""
    return sorted({w for w in _LOWER.findall(text.lower()) if len(w) > 3} - _STOP)


def normalise(text: str) -> str:
    """Return lower-case tokens separated by single spaces, with a space at both ends; clause marks are tokens."""
    return " " + " ".join(_TOKEN.findall(text.lower().replace("’", "'"))) + " "


@lru_cache(maxsize=65536)
def phrase(text: str) -> str:
    """Return `normalise(text)`, remembered: gold phrases come back for every completion of a prompt."""
    return normalise(text)


def mentions(normalised: str, text: str) -> bool:
    """Return whether a normalised text contains these words in a row."""
    return phrase(text) in normalised


def asserts(normalised: str, text: str) -> bool:
    """Return whether a normalised text contains these words at least once outside a negation."""
    wanted = phrase(text)
    at = normalised.find(wanted)
    while at >= 0:
        if not _negated(normalised[:at]):
            return True
        at = normalised.find(wanted, at + 1)
    return False


def _negated(before: str) -> bool:
    for word in reversed(before.split()[-_WINDOW:]):
        if word in (",", ".", ";", ":", "!", "?", "but", "–", "—", "and", "or"):
            return False
        if _NEGATION.match(word):
            return True
    return False
