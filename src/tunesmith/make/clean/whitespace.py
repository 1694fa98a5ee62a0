"""Make white space plain: one kind of line end and of space, no trailing blanks, no gaps; code and tables stay."""

from __future__ import annotations

import re

from tunesmith.make.clean.code import outside_code
from tunesmith.make.clean.settle import settle

_ODD_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_LINE_ENDS = re.compile("\r\n?|\x85|\u2028|\u2029")
_TRAILING = re.compile(r"[ \t]+(?=\n)")
_GAP = re.compile(r"(?<=\S)  +(?=\S)")
_BLANK_LINES = re.compile(r"\n{3,}")


def tidy_whitespace(text: str) -> str:
    """Return the text with plain white space; an indent at the beginning of a line stays."""
    return settle(_fix, text)


def _fix(text: str) -> str:
    text = _LINE_ENDS.sub("\n", text)
    text = outside_code(text, _prose)
    return re.sub(r"\A(?:[ \t]*\n)+", "", text).rstrip() if text.strip() else ""


def _prose(text: str) -> str:
    text = _TRAILING.sub("", _ODD_SPACES.sub(" ", text))
    # Gaps align the columns of a table; there they mean something.
    lines = [line if "|" in line or "\t" in line else _GAP.sub(" ", line) for line in text.split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines))
