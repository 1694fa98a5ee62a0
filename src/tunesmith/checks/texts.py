"""The texts that corpus-wide checks compare: a record as a whole, what it asks, and what it answers."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tunesmith.checks.check import texts_of
from tunesmith.core.records import Comparison, Demonstration, Document, Ranking, Record


def whole(record: Record) -> str:
    """Return all texts of a record, one a paragraph."""
    return "\n\n".join(text.text for text in texts_of(record))


def asked(record: Record) -> str:
    """Return what is asked: all messages before the answer; nothing for a document."""
    if isinstance(record, Document):
        return ""
    messages = record.prompt if isinstance(record, Demonstration) else record.messages
    return "\n\n".join(message.content for message in messages)


def answered(record: Record) -> str:
    """Return the answer to imitate: the completion, or the chosen one; nothing where there is none."""
    if isinstance(record, Demonstration):
        return record.completion
    return record.chosen if isinstance(record, Comparison) else ""


def subject(record: Record) -> str:
    """Return what a record is about: what users say in it, or the document's text."""
    if isinstance(record, Document):
        return record.text
    return "\n\n".join(message.content for message in record.messages if message.role == "user")


def answers(record: Record) -> tuple[str, ...]:
    """Return every answer of a record, also those that were not preferred."""
    if isinstance(record, Ranking):
        return tuple(completion.text for completion in record.completions)
    if isinstance(record, Comparison):
        return (record.chosen, record.rejected)
    return (record.completion,) if isinstance(record, Demonstration) else ()


def folded(text: str) -> str:
    """Return the text with letter case, kind of white space and Unicode form ignored; punctuation stays."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(plain.casefold().split())


def digests(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Return 64 bits of BLAKE2b of each folded text, and 0 for an empty one; shape (texts,)."""
    return np.array([_digest(folded(text)) for text in texts], dtype=np.uint64)


def _digest(text: str) -> int:
    if not text:
        return 0
    raw = hashlib.blake2b(text.encode("utf-8", errors="replace"), digest_size=8).digest()
    return int.from_bytes(raw, "little")
