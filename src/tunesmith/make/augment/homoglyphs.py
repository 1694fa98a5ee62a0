"""Look-alike letters: Cyrillic and Greek letters in Latin words, as spam and copied text have them.

The answer stays what it was: a reader sees the same words.
"""

from __future__ import annotations

import random

from tunesmith.core.records import Record
from tunesmith.make.augment.edits import Edit, apply, some
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, with_asked
from tunesmith.make.augment.protect import protect, words

# Pairs that Unicode lists as confusable (UTS #39, confusables.txt) and that common fonts draw alike.
LOOKALIKES = dict(zip("aceopxyijsABCEHIKMOPTXY", "асеорхуіјѕАВСЕНІКМОРТХУ", strict=True)) | {
    "v": "ν",
    "N": "Ν",
    "Z": "Ζ",
}


def homoglyphs(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the record with one letter replaced in each of some unprotected words of the last user message."""
    protected = protect(record)
    if isinstance(protected, Unfit):
        return protected
    text = protected.text
    found = [(a, b) for a, b in words(protected) if any(letter in LOOKALIKES for letter in text[a:b])]
    if not found:
        return Unfit("no word is free to change")
    edits = [Edit(a, b, _disguised(draw.rng, text[a:b])) for a, b in some(draw.rng, found, draw.rate)]
    return with_asked(record, apply(text, edits))


def _disguised(rng: random.Random, word: str) -> str:
    at = rng.choice([i for i, letter in enumerate(word) if letter in LOOKALIKES])
    return word[:at] + LOOKALIKES[word[at]] + word[at + 1 :]


HOMOGLYPHS = Method(name="homoglyphs", answer="kept", scenario="noisy", make=homoglyphs)
