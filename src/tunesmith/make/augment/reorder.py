"""Ask first, tell afterwards: the closing question moves in front of its context. The answer stays what it was.

The rule by which order cannot matter: every other sentence stays where it was, and the question must not lean on what
came before it. So it may hold no pronoun, no "the following", "above", "then", "also" and the like, the text must be
one paragraph of statements, and the task must not be about the text's form or order.
"""

from __future__ import annotations

import re

from tunesmith.core.records import Record
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, asked, with_asked
from tunesmith.make.augment.protect import protect

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_LEANS = re.compile(
    r"\b(?:he|him|his|she|her|hers|it|its|they|them|their|theirs|this|that|these|those|such|then|there|here|also|so|thus"
    r"|therefore|hence|however|but|and then|instead|else|other|another|former|latter|above"
    r"|below|following|previous|next"
    r"|first|second|last|again|both|each|either|neither|same|remaining|left|altogether|total|now|still|afterwards|rest)\b",
    re.I,
)
_ABOUT_ORDER = re.compile(
    r"\b(?:order|sequence|sentence|paragraph|passage|first|last|before|after|rank|continue)\b", re.I
)
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|vs|etc|e\.g|i\.e|No|U\.S)\.\s", re.I)


def reorder(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the record with the last message's closing question in front."""
    protected = protect(record)
    if isinstance(protected, Unfit):
        return protected
    text = asked(record).strip()
    if "\n" in text or _ABBREVIATION.search(text):
        return Unfit("the message is not one plain paragraph")
    *context, question = _SENTENCE_END.split(text)
    if not context or not question.endswith("?") or any("?" in sentence for sentence in context):
        return Unfit("the message does not tell something and then ask one question")
    if _LEANS.search(question) or _ABOUT_ORDER.search(text):
        return Unfit("the question may lean on what comes before it")
    return with_asked(record, " ".join([question, *context]))


REORDER = Method(name="reorder", answer="kept", scenario="complex", make=reorder)
