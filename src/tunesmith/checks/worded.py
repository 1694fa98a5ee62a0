"""A text with its lower-case form and its words, each made once however many rules ask."""

from __future__ import annotations

import re
from typing import NamedTuple

# Splitting is several times faster than searching, and most texts are plain.
_SPACED = {code: " " for code in range(128) if not (chr(code).islower() or chr(code) == "'")}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

# What the model is to imitate. A rejected answer may be bad on purpose.
ANSWERS = frozenset(("assistant", "chosen", "completion"))
LEARNED = ANSWERS | {"document"}


class Text(NamedTuple):
    """One text of a record: its field, what it is for, and the text itself."""

    field: str
    role: str  # system | user | assistant | tool | chosen | rejected | completion | document
    text: str


class Worded:
    """One text of a record as the rules of language read it.

    `low` is the text in lower case, with straight apostrophes; `words` are its words in lower case, without numbers and
    punctuation; `vocabulary` are the different ones.
    """

    __slots__ = ("_letters", "field", "low", "role", "text", "vocabulary", "words")

    def __init__(self, text: Text) -> None:
        self.field, self.role, self.text = text
        self.low = text.text.lower().replace("’", "'")
        self.words = _words(self.low)
        self.vocabulary = frozenset(self.words)
        self._letters: frozenset[str] | None = None

    @property
    def letters(self) -> frozenset[str]:
        r"""The different runs of letters: words, and the pieces of those with an apostrophe.

        Whatever an expression finds between two `\b` without a sign inside is among them, so a look here says whether
        the expression, which costs a hundred times more, can find anything.
        """
        if self._letters is None:
            joined = [word.split("'") for word in self.vocabulary if "'" in word] if "'" in self.low else ()
            self._letters = self.vocabulary.union(*joined) if joined else self.vocabulary
        return self._letters


def _words(low: str) -> list[str]:
    if not low.isascii():
        return _WORD.findall(low)
    words = low.translate(_SPACED).split()
    return [word for quoted in words if (word := quoted.strip("'"))] if "'" in low else words
