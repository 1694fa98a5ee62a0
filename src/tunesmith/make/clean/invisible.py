"""Remove characters that nobody sees but a tokenizer does: controls, zero-width characters, bidirectional overrides.

A joiner stays where a script or an emoji needs it (between two characters that are not Latin), and so do the tags of a
flag emoji; the same tag characters anywhere else are a known way to hide instructions.
"""

from __future__ import annotations

import re

from tunesmith.make.clean.settle import settle

_ALWAYS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
)
_JOINER = re.compile("[\u200c\u200d]")
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]+")
_LATIN_BELOW = 0x0300


def remove_invisible(text: str) -> str:
    """Return the text without invisible characters; tab, line feed and carriage return stay."""
    return settle(_fix, text)


def _fix(text: str) -> str:
    text = _TAGS.sub("", _ALWAYS.sub("", text))
    return _JOINER.sub(lambda match: match.group() if _joins(text, match.start()) else "", text)


def _joins(text: str, at: int) -> bool:
    """Return whether the joiner stands between two characters of a script that uses it, or between emoji."""
    around = text[at - 1 : at] + text[at + 1 : at + 2] if at else ""
    return len(around) == 2 and all(ord(character) >= _LATIN_BELOW for character in around)
