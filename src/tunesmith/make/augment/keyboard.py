"""Slips of the finger: a letter becomes its neighbour on a QWERTY keyboard. The answer stays what it was."""

from __future__ import annotations

import random

from tunesmith.core.records import Record
from tunesmith.make.augment.edits import Edit, apply, some
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, with_asked
from tunesmith.make.augment.protect import protect, words

SHORTEST = 4
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SHIFT = (0.0, 0.25, 0.75)  # how far each row is set to the right, in keys


def neighbours(letter: str) -> str:
    """Return the letters whose keys touch this letter's key (US layout)."""
    places = {key: (row, _SHIFT[row] + at) for row, keys in enumerate(_ROWS) for at, key in enumerate(keys)}
    if letter not in places:
        return ""
    row, x = places[letter]
    return "".join(k for k, (r, at) in places.items() if k != letter and abs(r - row) <= 1 and abs(at - x) <= 1)


def keyboard(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the record with one slip in each of some unprotected words of the last user message."""
    protected = protect(record)
    if isinstance(protected, Unfit):
        return protected
    found = [(a, b) for a, b in words(protected, shortest=SHORTEST) if protected.text[a:b].isascii()]
    if not found:
        return Unfit("no word is free to change")
    edits = [Edit(a, b, _slip(draw.rng, protected.text[a:b])) for a, b in some(draw.rng, found, draw.rate)]
    return with_asked(record, apply(protected.text, edits))


def _slip(rng: random.Random, word: str) -> str:
    at = rng.choice([i for i, letter in enumerate(word) if letter.isalpha()])
    wrong = rng.choice(neighbours(word[at].lower()))
    return word[:at] + (wrong.upper() if word[at].isupper() else wrong) + word[at + 1 :]


KEYBOARD = Method(name="keyboard", answer="kept", scenario="noisy", make=keyboard)
