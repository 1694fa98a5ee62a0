"""Texts that were damaged on their way: wrong encoding, invisible characters, remains of HTML.

Rows that cannot be read at all come as findings from `quarantined`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import ftfy
import ftfy.badness
from pydantic import Field

from tunesmith.checks.check import CheckedRow, RowCheck
from tunesmith.checks.excerpt import around
from tunesmith.checks.finding import Finding
from tunesmith.checks.worded import Worded
from tunesmith.core.config import Strict

# C0 and C1 control characters without tab, line feed and carriage return; NEL (U+0085) counts as control too.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# U+200C and U+200D are letters' business in many scripts and join emoji, so they count only beside Latin letters.
_INVISIBLE = re.compile(
    "[\u200b\u2060\u180e\ufeff\u00ad]|(?<=[A-Za-z])[\u200c\u200d](?=[A-Za-z])|[\U000e0000-\U000e007f]"
)
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")
_TAG = re.compile(
    r"</?(?:p|br|div|span|a|b|i|u|em|strong|font|table|tbody|thead|tr|td|th|ul|ol|li|h[1-6]|img|hr|center|blockquote|"
    r"section|article|header|footer|nav|script|style|iframe|input|button|form|label|sup|sub|code|pre)"
    r"(?:\s+[a-zA-Z-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+))*\s*/?>",
    re.IGNORECASE,
)
_ENTITY = re.compile(
    r"&(?:nbsp|amp|lt|gt|quot|apos|mdash|ndash|rsquo|lsquo|rdquo|ldquo|hellip|copy|#\d{2,5}|#x[0-9a-f]{2,4});", re.I
)
# One of these runs of letters (or "escap...", "scrap...", a fence) stands where the expression finds something.
_HTML_LETTERS = frozenset((
    "html", "xml", "css", "tag", "tags", "web", "webpage", "website", "markup", "javascript", "jsx", "php",
    "svg", "dom", "element", "entity", "entities", "wordpress", "browser", "soup",
))  # fmt: skip
_HTML_WORDS = re.compile(
    r"\b(?:html|xml|css|tags?|web ?page|web ?site|markup|javascript|jsx|php|svg|dom|element|escap\w+|entit(?:y|ies)|"
    r"wordpress|"
    r"browser|scrap\w+|soup)\b|```",
    re.IGNORECASE,
)


class BrokenConfig(Strict):
    """Damaged texts."""

    min_html: int = Field(1, ge=1, description="how many tags or entities make HTML debris")


class BrokenCheck(RowCheck):
    """Mojibake, control, bidirectional and invisible characters, HTML debris."""

    name = "broken"
    source = (
        "mojibake: ftfy's badness measure (Speer 2019, doi 10.5281/zenodo.2591652); control and bidirectional "
        "characters: Unicode Standard Annexes 9 and 14, Boucher and Anderson 2021 (arXiv 2111.00169); the rest: the "
        "reader's own rules (what cannot be parsed cannot be trained on)"
    )

    def __init__(self, config: BrokenConfig) -> None:
        self._config = config

    def row(self, row: CheckedRow) -> Iterator[Finding]:
        """Yield the damage in each text."""
        texts = row.texts
        # A conversation about HTML may hold tags wherever it wants.
        suspects = [t for t in texts if ("<" in t.text and ">" in t.text) or "&" in t.text]
        about_html = bool(suspects) and any(map(_speaks_of_html, row.worded))
        for text in texts:
            for kind, reason, severe in _characters(text.text):
                yield Finding(row.file, row.line, text.field, kind, reason, "error" if severe else "warning")
        for text in suspects if not about_html else ():
            found = [*_TAG.findall(text.text), *_ENTITY.findall(text.text)]
            if len(found) >= self._config.min_html:
                shown = ", ".join(dict.fromkeys(found[:3]))
                reason = f"{len(found)} HTML tags or entities, such as {shown[:60]}"
                yield Finding(row.file, row.line, text.field, "broken.html", reason, "warning")


def _speaks_of_html(text: Worded) -> bool:
    hinted = not _HTML_LETTERS.isdisjoint(text.letters) or any(map(text.low.__contains__, ("escap", "scrap", "```")))
    return hinted and _HTML_WORDS.search(text.text) is not None


def _characters(text: str) -> Iterator[tuple[str, str, bool]]:
    """Yield (kind, reason, whether it is an error) of the characters of a text."""
    mojibake = None if text.isascii() else _mojibake(text)
    if mojibake:
        yield "broken.mojibake", mojibake, True
    # Mojibake is full of control characters of its own; they go away with it.
    elif not text.isprintable() and (found := _CONTROL.search(text)):
        count = len(_CONTROL.findall(text))
        yield "broken.control", f"{count} control characters, the first U+{ord(found.group()):04X}", True
    if text.isascii():
        return
    # Right-to-left writing needs these marks; in left-to-right text they hide what is written.
    if (found := _BIDI.search(text)) and not _right_to_left(text):
        yield "broken.bidi", f"bidirectional control {_named(found.group())} in left-to-right text", True
    if found := _INVISIBLE.search(_FLAG.sub("", text)):
        count = len(_INVISIBLE.findall(text))
        yield "broken.invisible", f"{count} invisible characters, the first {_named(found.group())}", False
    if "\ufffd" in text:
        where = around(text, text.index("\ufffd"))
        yield "broken.replacement", f"{text.count(chr(0xFFFD))} replacement characters (U+FFFD): {where}", False


def _right_to_left(text: str) -> bool:
    return any(c.isalpha() and unicodedata.bidirectional(c) in ("R", "AL") for c in text)


def _mojibake(text: str) -> str:
    """Return why a text seems decoded with the wrong encoding, or nothing."""
    if not ftfy.badness.is_bad(text):
        return ""
    repaired = ftfy.fix_encoding(text)
    if repaired == text:
        return ""
    at = next((i for i, (a, b) in enumerate(zip(text, repaired, strict=False)) if a != b), 0)
    return f"text decoded with the wrong encoding: {around(text, at)}"


def _named(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, 'unnamed').lower()}"
