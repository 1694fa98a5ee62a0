"""Instructions about length: words, sentences, paragraphs, and the first word of a paragraph."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tunesmith.evaluate.instructions.relation import holds

_TITLES = ("mr", "mrs", "ms", "dr", "prof", "sr", "jr", "st")
_SHORT = ("vs", "etc", "no", "inc", "ltd", "co", "dept", "fig", "approx", "e.g", "i.e", "a.m", "p.m", "u.s", "u.k")
_ABBREVIATIONS = frozenset((*_TITLES, *_SHORT, "p.s", "p.p.s"))
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)")


def number_words(text: str, wanted: Mapping[str, Any]) -> bool:
    """At least, or less than, so many words (runs of letters, digits and underscores)."""
    return holds(len(re.findall(r"\w+", text)), wanted["relation"], wanted["num_words"])


def number_sentences(text: str, wanted: Mapping[str, Any]) -> bool:
    """At least, or less than, so many sentences; see `sentences`."""
    return holds(sentences(text), wanted["relation"], wanted["num_sentences"])


def sentences(text: str) -> int:
    """Return the number of sentences; what is left without an end counts as one.

    Ends are . ! ? before white space, except after abbreviations, initials and list numbers. (The reference uses NLTK's
    trained splitter.)
    """
    count, begin = 0, 0
    for match in _SENTENCE_END.finditer(text):
        words = text[begin : match.start()].split()
        last = words[-1].lower().lstrip("(\"'“") if words else ""
        short = last in _ABBREVIATIONS or re.fullmatch(r"[a-z]|\d{1,2}", last) is not None
        # "p. 12" goes on; "I have 12." at the end of the text, or before a line's end, does not.
        if match.group().startswith(".") and short and text[match.end() : match.end() + 1] not in ("", "\n"):
            continue
        count += bool(words)
        begin = match.end()
    return count + bool(re.search(r"\w", text[begin:]))


def number_paragraphs(text: str, wanted: Mapping[str, Any]) -> bool:
    """Exactly so many paragraphs, divided by `***`; an empty one is allowed only at the beginning and the end."""
    parts = re.split(r"\s?\*\*\*\s?", text)
    if any(not part.strip() for part in parts[1:-1]):
        return False
    return bool(sum(bool(part.strip()) for part in parts) == wanted["num_paragraphs"])


def first_word_of_paragraph(text: str, wanted: Mapping[str, Any]) -> bool:
    """So many paragraphs, divided by empty lines, and the n-th begins with the word."""
    parts = re.split(r"\n\n", text)
    count = sum(bool(part.strip()) for part in parts)
    nth = wanted["nth_paragraph"]
    if nth > count or not parts[nth - 1].strip():
        return False
    first = parts[nth - 1].split()[0].lstrip("'\"")
    word = re.split(r"[.,?!'\"]", first)[0].lower()
    return bool(count == wanted["num_paragraphs"] and word == str(wanted["first_word"]).lower())
