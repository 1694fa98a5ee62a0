"""Lost capitals: everything small, or everything shouted. The answer stays what it was."""

from __future__ import annotations

from tunesmith.core.records import Record
from tunesmith.make.augment.edits import Edit, apply
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, with_asked
from tunesmith.make.augment.protect import protect, words

_SHOUTED = 0.2  # share of variants in capitals; people leave capitals out more often than they shout
_MOSTLY = 0.9  # share of the letters that must be free before a message is shouted


def case(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the record with all unprotected words of the last user message in one case."""
    protected = protect(record)
    if isinstance(protected, Unfit):
        return protected
    text, found = protected.text, words(protected)
    free = sum(b - a for a, b in found) / max(1, sum(letter.isalpha() for letter in text))
    # Half a sentence in capitals is no way in which anybody writes.
    shouted = draw.rng.random() < _SHOUTED and free > _MOSTLY
    edits = [Edit(a, b, text[a:b].upper() if shouted else text[a:b].lower()) for a, b in found]
    changed = apply(text, edits)
    if changed == text:
        return Unfit("no word is free to change")
    return with_asked(record, changed)


CASE = Method(name="case", answer="kept", scenario="noisy", make=case)
