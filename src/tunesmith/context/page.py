"""A page of a workspace: blocks of text under headings, and the passages it is retrieved by."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import NamedTuple

TITLE_LIMIT = 80
# What a reader sees at once; about 150 tokens. Measured in characters so that ids do not depend on a tokenizer.
PASSAGE_CHARACTERS = 600
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|\n+|(?<=[。！？])")


class Block(NamedTuple):
    """A stretch of a page under one heading: a paragraph, a list, rows of a table. `heading` may be empty."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """One file of a workspace as text. `name` is its path inside the workspace; `notes` say what was left out of it."""

    name: str
    title: str
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The whole page, each heading before its text."""
        parts, last = [], None
        for block in self.blocks:
            if block.heading and block.heading != last:
                parts.append(block.heading)
            last = block.heading
            parts.append(block.text)
        return "\n\n".join(parts)


class Passage(NamedTuple):
    """A part of a page. The same text under the same heading of the same page always has the same id."""

    id: str
    page: str
    title: str
    heading: str
    text: str


def one_line(text: str, limit: int = TITLE_LIMIT) -> str:
    """Return a title or file name that can stand in a line: no control characters, at most `limit` characters."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def passages_of(page: Page) -> list[Passage]:
    """Return the page's passages in order: blocks of a heading together, long ones cut at sentence ends."""
    found: list[Passage] = []
    heading, waiting = "", ""
    for block in page.blocks:
        for piece in _pieces(block.text):
            if waiting and (block.heading != heading or len(waiting) + len(piece) > PASSAGE_CHARACTERS):
                found.append(_passage(page, heading, waiting))
                waiting = ""
            heading = block.heading
            waiting = f"{waiting}\n\n{piece}" if waiting else piece
    if waiting:
        found.append(_passage(page, heading, waiting))
    return _distinct(found)


def sentence_ends(text: str) -> list[int]:
    """Return the places where a text may be cut: behind each sentence or line, in order; the text's end is the last."""
    ends = sorted({match.start() for match in _SENTENCE_END.finditer(text)} | {len(text)})
    blank = len(text) - len(text.lstrip())
    return [end for end in ends if end > blank]


def _pieces(text: str) -> list[str]:
    pieces, begin, last = [], 0, 0
    for end in sentence_ends(text):
        if end - begin > PASSAGE_CHARACTERS and last > begin:
            pieces.append(text[begin:last].strip())
            begin = last
        last = end
    pieces.append(text[begin:].strip())
    # A sentence without an end (a table in one line, a key) is cut where it must be.
    return [p[i : i + 4 * PASSAGE_CHARACTERS] for p in pieces if p for i in range(0, len(p), 4 * PASSAGE_CHARACTERS)]


def _passage(page: Page, heading: str, text: str) -> Passage:
    digest = hashlib.sha256("\0".join((page.name, heading, text)).encode("utf-8", "surrogatepass")).hexdigest()
    return Passage(digest[:12], page.name, page.title, heading, text)


def _distinct(passages: list[Passage]) -> list[Passage]:
    """Number the ids of passages that a page repeats word by word."""
    seen: dict[str, int] = {}
    distinct = []
    for passage in passages:
        seen[passage.id] = seen.get(passage.id, 0) + 1
        n = seen[passage.id]
        distinct.append(passage if n == 1 else passage._replace(id=f"{passage.id}-{n}"))
    return distinct
