"""Rewrite the texts of a record; everything else stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tunesmith.checks.check import texts_of
from tunesmith.checks.worded import Text
from tunesmith.core.records import Comparison, Document, Message, Ranking, Record

Rewrite = Callable[[Text], str]


def rewrite_texts(record: Record, rewrite: Rewrite) -> Record:
    """Return the record with each of its texts replaced by what `rewrite` makes of it; the same object if none changed.

    `rewrite` sees the texts in the order of `texts_of`.
    """
    before = list(texts_of(record))
    after = [rewrite(text) for text in before]
    if after == [text.text for text in before]:
        return record
    return _with_texts(record, after)


def _with_texts(record: Record, texts: list[str]) -> Record:
    if isinstance(record, Document):
        return replace(record, text=texts[0])
    count = len(record.messages)
    messages = tuple(Message(m.role, text) for m, text in zip(record.messages, texts, strict=False))
    if isinstance(record, Comparison):
        return replace(record, messages=messages, chosen=texts[count], rejected=texts[count + 1])
    if isinstance(record, Ranking):
        answers = texts[count:]
        completions = tuple(replace(c, text=text) for c, text in zip(record.completions, answers, strict=True))
        return replace(record, messages=messages, completions=completions)
    return replace(record, messages=messages)


def without_meta(record: Record) -> Record:
    """Return the record with empty meta."""
    return replace(record, meta={})
