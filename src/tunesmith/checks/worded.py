"""A text with its lower-case form and its words, each made once however many rules ask."""

from __future__ import annotations

import re
from functools import cached_property

from tunesmith.checks.check import Text

# Splitting is several times faster than searching, and most texts are plain.
_SPACED = {code: " " for code in range(128) if not (chr(code).islower() or chr(code) == "'")}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

# What the model is to imitate. A rejected answer may be bad on purpose.
ANSWERS = frozenset(("assistant", "chosen", "completion"))
LEARNED = ANSWERS | {"document"}


class Worded:
    """One text of a record as the rules of language read it."""

    def __init__(self, text: Text) -> None:
        self.field, self.role, self.text = text

    @cached_property
    def low(self) -> str:
        """The text in lower case, with straight apostrophes."""
        return self.text.lower().replace("’", "'")

    @cached_property
    def words(self) -> list[str]:
        """The words in lower case, without numbers and punctuation."""
        if not self.low.isascii():
            return _WORD.findall(self.low)
        words = self.low.translate(_SPACED).split()
        return [word for quoted in words if (word := quoted.strip("'"))] if "'" in self.low else words
