"""Typing errors inside words: two letters swapped, one dropped, one doubled. The answer stays what it was."""

from __future__ import annotations

import random

from tunesmith.core.records import Record
from tunesmith.make.augment.edits import Edit, apply, some
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, with_asked
from tunesmith.make.augment.protect import COUNTING_WORDS, FUNCTION_WORDS, protect, words

SHORTEST = 4  # letters; a typing error in a shorter word often makes another word


def typos(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the record with typing errors in some unprotected words of the last user message."""
    protected = protect(record)
    if isinstance(protected, Unfit):
        return protected
    found = words(protected, shortest=SHORTEST)
    if not found:
        return Unfit("no word is free to change")
    text = protected.text
    edits = [Edit(a, b, mistyped(draw.rng, text[a:b])) for a, b in some(draw.rng, found, draw.rate)]
    return with_asked(record, apply(text, edits))


def mistyped(rng: random.Random, word: str) -> str:
    """Return the word with one error behind its first letter, such that it is no word that counts or turns a meaning.

    What no single error can change so ("aaaa" has nothing to swap) gets one of the other errors.
    """
    ways = [_swapped, _dropped, _doubled]
    rng.shuffle(ways)
    for way in ways:
        wrong = way(rng, word)
        if wrong != word and wrong.lower() not in COUNTING_WORDS | FUNCTION_WORDS:
            return wrong
    return _doubled(rng, word)


def _swapped(rng: random.Random, word: str) -> str:
    places = [i for i in range(1, len(word) - 1) if word[i] != word[i + 1]]
    if not places:
        return word
    at = rng.choice(places)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _dropped(rng: random.Random, word: str) -> str:
    at = rng.randrange(1, len(word))
    return word[:at] + word[at + 1 :]


def _doubled(rng: random.Random, word: str) -> str:
    at = rng.randrange(1, len(word))
    return word[: at + 1] + word[at:]


TYPOS = Method(name="typos", answer="kept", scenario="noisy", make=typos)
