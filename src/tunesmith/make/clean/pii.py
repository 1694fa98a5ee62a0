"""Put placeholders in the place of personal data: the same person's address is the same placeholder in a whole record.

Who finds the spans is the caller's choice (`checks` has finders); this file only writes over them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from tunesmith.checks.check import texts_of
from tunesmith.core.records import Record
from tunesmith.make.texts import rewrite_texts

_PLACEHOLDER = re.compile(r"\[([A-Z_]+)_([0-9]+)\]")


class Span(NamedTuple):
    """Where something personal stands in a text: characters `start` to `end`, and its kind, such as "email"."""

    start: int
    end: int
    kind: str


class Finder(Protocol):
    """Finds personal data in one text."""

    def __call__(self, text: str) -> Iterable[tuple[int, int, str]]:
        """Yield `(start, end, kind)`; overlaps are allowed."""
        ...


def mask_pii(record: Record, find: Finder) -> Record:
    """Return the record with what `find` finds written as `[EMAIL_1]`, `[PHONE_1]`, `[EMAIL_2]`.

    Equal values (ignoring case) get equal placeholders across all texts of the record. Placeholders that are already
    there keep their numbers, so a second pass changes nothing.
    """
    taken: dict[str, int] = {}
    for text in texts_of(record):
        for kind, number in _PLACEHOLDER.findall(text.text):
            taken[kind] = max(taken.get(kind, 0), int(number))
    names: dict[tuple[str, str], str] = {}

    def name(kind: str, value: str) -> str:
        kind = re.sub(r"[^A-Z]+", "_", kind.upper()).strip("_") or "MASKED"
        key = (kind, value.casefold())
        if key not in names:
            taken[kind] = taken.get(kind, 0) + 1
            names[key] = f"[{kind}_{taken[kind]}]"
        return names[key]

    def rewrite(text: str) -> str:
        done, at = [], 0
        for span in without_overlaps(text, find(text)):
            done += [text[at : span.start], name(span.kind, text[span.start : span.end])]
            at = span.end
        return "".join([*done, text[at:]])

    return rewrite_texts(record, lambda text: rewrite(text.text))


def without_overlaps(text: str, found: Iterable[tuple[int, int, str]]) -> list[Span]:
    """Return the spans in order: of two that overlap the longer one, and none inside a placeholder."""
    placeholders = [match.span() for match in _PLACEHOLDER.finditer(text)]
    kept: list[Span] = []
    for span in sorted((Span(*item) for item in found), key=lambda s: (s.start - s.end, s.start, s.kind)):
        inside = [(other.start, other.end) for other in kept] + placeholders
        if span.start < span.end and all(span.end <= start or end <= span.start for start, end in inside):
            kept.append(span)
    return sorted(kept)
