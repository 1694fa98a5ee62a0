"""White-space noise: doubled and missing spaces, tabs, stray line breaks. The answer stays what it was."""

from __future__ import annotations

import re

from tunesmith.core.records import Record
from tunesmith.make.augment.edits import Edit, apply, some
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, with_asked
from tunesmith.make.augment.protect import protect

_SPACE = re.compile(r"(?<=\S) (?=\S)")
_AFTER_MARK = re.compile(r"(?<=[,;!?]) (?=[^\W\d])")
_NOISE = ("  ", "   ", "\t", "\n", " \n ")


def spaces(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the record with some spaces of the last user message doubled, replaced, or lost after a mark."""
    protected = protect(record)
    if isinstance(protected, Unfit):
        return protected
    # Spaces inside a protected stretch (a name, a quotation, code) stay.
    free = [m.span() for m in _SPACE.finditer(protected.text) if _outside(m.span(), protected.spans)]
    if not free:
        return Unfit("no space is free to change")
    after_mark = {m.start() for m in _AFTER_MARK.finditer(protected.text)}
    edits = []
    for a, b in some(draw.rng, free, draw.rate):
        lost = a in after_mark and draw.rng.random() < 0.5
        edits.append(Edit(a, b, "" if lost else draw.rng.choice(_NOISE)))
    return with_asked(record, apply(protected.text, edits))


def _outside(span: tuple[int, int], spans: tuple[tuple[int, int], ...]) -> bool:
    return not any(start < span[1] and span[0] < end for start, end in spans)


SPACES = Method(name="spaces", answer="kept", scenario="noisy", make=spaces)
