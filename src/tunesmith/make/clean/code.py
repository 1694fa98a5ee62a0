"""Find code in a text: fenced blocks and back-ticked spans, which repairs of prose leave alone."""

from __future__ import annotations

import re
from collections.abc import Callable

_CODE = re.compile(r"^ *(```|~~~).*?^ *\1[^\n]*$|`[^`\n]+`", re.S | re.M)
_UNCLOSED = re.compile(r"^ *(?:```|~~~).*\Z", re.S | re.M)


def outside_code(text: str, fix: Callable[[str], str]) -> str:
    """Return the text with `fix` applied to the stretches between code; an unclosed fence runs to the end."""
    if "`" not in text and "~~~" not in text:
        return fix(text)
    done, at = [], 0
    for start, end in code_spans(text):
        done += [fix(text[at:start]), text[start:end]]
        at = end
    return "".join([*done, fix(text[at:])])


def code_spans(text: str) -> list[tuple[int, int]]:
    """Return where code begins and ends, in order."""
    spans = [match.span() for match in _CODE.finditer(text)]
    rest = _UNCLOSED.search(text, spans[-1][1] if spans else 0)
    return [*spans, rest.span()] if rest else spans
