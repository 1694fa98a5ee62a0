"""Lost punctuation: full stops, commas, question marks and apostrophes left out. The answer stays what it was."""

from __future__ import annotations

import re

from tunesmith.core.records import Record
from tunesmith.make.augment.edits import Edit, apply
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, with_asked
from tunesmith.make.augment.protect import protect

_MARK = re.compile(r"[.,;:!?]+(?=\s|$)|(?<=\w)['’](?=\w)")


def punctuation(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the record without punctuation in the last user message, protected text apart.

    A mark between two sentences of a line goes too; line breaks stay, so that the parts of a prompt remain apart.
    """
    protected = protect(record)
    if isinstance(protected, Unfit):
        return protected
    # A mark that touches a protected word may go; one inside protected text may not.
    spans = protected.spans
    marks = [m.span() for m in _MARK.finditer(protected.text)]
    edits = [Edit(a, b, "") for a, b in marks if not any(start < b and a < end for start, end in spans)]
    changed = apply(protected.text, edits)
    if changed == protected.text or not changed.strip():
        return Unfit("there is no punctuation to lose")
    return with_asked(record, changed)


PUNCTUATION = Method(name="punctuation", answer="kept", scenario="noisy", make=punctuation)
