"""HTML as a person would see it: no scripts, no comments, nothing hidden (where instructions like to hide)."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from tunesmith.context.page import Block
from tunesmith.context.readers.parsed import Parsed, decoded

_UNSEEN = {"script", "style", "template", "noscript", "head", "iframe", "object", "svg"}
_BLOCKS = {"p", "div", "li", "tr", "section", "article", "ul", "ol", "table", "pre", "blockquote", "br", "dd", "dt"}
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_VOID = {"br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "track", "wbr"}
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?![.\d]*[1-9])", re.I
)


def read(data: bytes) -> Parsed:
    """Return the visible text under its headings; what was hidden is counted in a note."""
    walk = _Walk()
    walk.feed(decoded(data))
    walk.close()
    walk.flush()
    notes = []
    if walk.hidden:
        notes.append(f"{walk.hidden} hidden element(s) or comment(s) were left out")
    return Parsed(" ".join(walk.title.split()), walk.blocks, notes)


class _Walk(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.title = ""
        self.hidden = 0
        self._open: list[str] = []
        self._unseen_from: int | None = None  # the depth at which something not shown begins
        self._path: list[tuple[int, str]] = []
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS or tag in _HEADINGS:
            self.flush()
        if tag in _VOID:
            return
        self._open.append(tag)
        if self._unseen_from is None:
            hidden = _is_hidden(dict(attrs))
            self.hidden += hidden
            if hidden or tag in _UNSEEN:
                self._unseen_from = len(self._open)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._open:
            return
        if tag in _HEADINGS:
            self._head(_HEADINGS[tag])
        elif tag in _BLOCKS:
            self.flush()
        elif tag in ("td", "th"):
            self._text.append(" | ")
        depth = len(self._open) - self._open[::-1].index(tag)  # closes what was left open inside, as browsers do
        del self._open[depth - 1 :]
        if self._unseen_from is not None and len(self._open) < self._unseen_from:
            self._unseen_from = None

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "title":
            self.title += data
        elif self._unseen_from is None:
            self._text.append(data if "pre" in self._open else re.sub(r"\s+", " ", data))

    def handle_comment(self, data: str) -> None:
        self.hidden += 1

    def _head(self, level: int) -> None:
        title = "".join(self._text).strip()
        self._text = []
        if title and self._unseen_from is None:
            self._path = [(n, t) for n, t in self._path if n < level] + [(level, title)]
            self.title = self.title or title

    def flush(self) -> None:
        if text := "".join(self._text).strip(" |\n\t"):
            self.blocks.append(Block(" > ".join(t for _, t in self._path), text))
        self._text = []


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    hides = "hidden" in attributes or attributes.get("aria-hidden") == "true"
    return hides or bool(_HIDING.search(attributes.get("style") or ""))
