"""Markdown: headings divide, code fences stay whole, what a reader of the page would not see is left out."""

from __future__ import annotations

import re

from tunesmith.context.page import Block
from tunesmith.context.readers.parsed import Parsed, decoded

_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\s*\n", re.S)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})\s*$")


def read(data: bytes) -> Parsed:
    """Return the page's blocks; its title is the first heading of level one, else the first heading."""
    text = decoded(data)
    notes = []
    if front := _FRONT_MATTER.match(text):
        text = text[front.end() :]
    text, comments = _COMMENT.subn("", text)
    if comments:
        notes.append(f"{comments} comment(s), which a reader of the page would not see, were left out")
    walk = _Walk()
    for line in text.split("\n"):
        walk.take(line)
    walk.flush()
    first = next((t for level, t in walk.titles if level == 1), walk.titles[0][1] if walk.titles else "")
    return Parsed(first, walk.blocks, notes)


class _Walk:
    """Lines in, blocks out; `path` holds the headings above the present line."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.titles: list[tuple[int, str]] = []
        self._path: list[tuple[int, str]] = []
        self._lines: list[str] = []
        self._fence = ""

    def take(self, line: str) -> None:
        fence = _FENCE.match(line)
        if self._fence:
            self._lines.append(line)
            if fence and fence.group(1).startswith(self._fence):
                self._fence = ""
        elif fence:
            self._fence = fence.group(1)
            self._lines.append(line)
        elif heading := _HEADING.match(line):
            self._head(len(heading.group(1)), heading.group(2))
        elif (under := _UNDERLINE.match(line)) and len(self._lines) == 1:
            title = self._lines.pop().strip()
            self._head(1 if under.group(1)[0] == "=" else 2, title)
        elif not line.strip():
            self.flush()
        else:
            self._lines.append(line)

    def _head(self, level: int, title: str) -> None:
        self.flush()
        self._path = [(n, t) for n, t in self._path if n < level] + [(level, title)]
        self.titles.append((level, title))

    def flush(self) -> None:
        if text := "\n".join(self._lines).strip():
            self.blocks.append(Block(" > ".join(t for _, t in self._path), text))
        self._lines = []
