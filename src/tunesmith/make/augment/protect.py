"""Find what noise must not touch, so that the right answer stays right.

Always protected: numbers and words that count or negate, names, quoted text, code, structured data, addresses,
placeholders. Also every word of the prompt that an answer repeats, short function words apart. A task about the form
of its text (spelling, letters, order of words) is refused as a whole: there noise would change what is right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tunesmith.core.records import answers
from tunesmith.make.augment.method import Asked, Unfit, asked
from tunesmith.make.clean.code import code_spans

_ALWAYS = re.compile(
    r"https?://\S+|\S+@\S+|\[[A-Z_]+(?:_\d+)?\]|\{\{.*?\}\}|<[^<>\n]+>"  # addresses, placeholders, tags
    r"|\"[^\"]*\"|“[^”]*”|«[^»]*»|(?<!\w)'[^'\n]+'(?!\w)"  # quoted text
    r"|[{\[][^{}\[\]]*[}\]]|^[ \t]*[\w-]+: .*$|^.*[|\t].*$"  # data, `key: value` lines, tables
    r"|\S*[\d_\\=/*^%$€£#]\S*",  # numbers, names in code, formulas
    re.S | re.M,
)
_NAME = re.compile(r"(?<=[^\s.!?:\"“(\[] )[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*|\b[A-Z]{2,}\b|\b\w+[A-Z]\w*\b")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by can could did do does for from had has have he her his how i if in is it its "
        "may me my no nor not of on or our out she should so some than that the their them then there they this "
        "those to too up us was we were what when where which who whom whose why will with would you your ",
    )
)
# Words that count or turn the meaning round: one wrong letter in them may give another right answer.
COUNTING_WORDS = frozenset(
    re.findall(
        r"\w+",
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand "
        "million billion dozen half third quarter fourth fifth sixth tenth first second last once twice thrice "
        "double triple pair couple both single more less fewer most least many much each every per all none any "
        "only except without never neither nor not no unless before after above below over under increase decrease "
        "plus minus times ",
    )
)
ABOUT_FORM = "the task may be about the text's form"
_FORM = re.compile(
    r"\b(?:spell(?:ing|ed)?|misspell\w*|grammar|grammatical\w*|punctuat\w*|typos?"
    r"|letters?|characters?|vowels?|consonants?"
    r"|capital(?:s|ize\w*|ise\w*)?"
    r"|uppercase|lowercase|upper case|lower case"
    r"|proofread\w*|palindrome\w*|anagram\w*|rhym\w+"
    r"|syllables?|regex|regular expression|encod\w+|decod\w+|encrypt\w*|revers\w+|word count"
    r"|count|how many words|edit\w*"
    r"|correct\w*|fix|paraphras\w*|rewrit\w+|rephras\w*|reword\w*"
    r"|translat\w+|verbatim|acronym\w*|abbreviat\w*|alphabet\w*"
    r"|sort\w*|concatenat\w*"
    r"|synonyms?|antonyms?|plural|tense|part of speech|noun|verb|adjective|string|copy|repeat"
    r"|typed|keyboard|format\w*|convert\w*|transliterat\w*|token\w*"
    r"|(?:first|last|next|missing) word|formal\w*|informal\w*)\b",
    re.I,
)


class Protected(NamedTuple):
    """A prompt's text and the spans that stay as they are, in order, without overlaps."""

    text: str
    spans: tuple[tuple[int, int], ...]

    def is_free(self, start: int, end: int) -> bool:
        """Return whether no protected span touches the characters `start` to `end`."""
        return all(end <= first or last <= start for first, last in self.spans)


def about_form(record: Asked) -> bool:
    """Return whether the task may be about the form of its text, such as its spelling or the order of its words."""
    texts = [message.content for message in record.messages if message.role == "system"] + [asked(record)]
    return any(_FORM.search(text) for text in texts)


def has_input(record: Asked) -> bool:
    """Return whether the last user message may end in a text to work on, which what follows would become part of."""
    text = asked(record).strip()
    return "\n" in text or ":" in text or about_form(record)


def protect(record: Asked) -> Protected | Unfit:
    """Return the last user message with its protected spans, or why it must not be touched at all."""
    if about_form(record):
        return Unfit(ABOUT_FORM)
    text = asked(record)
    return Protected(text, _merged(_spans(text, answers(record))))


def words(protected: Protected, *, shortest: int = 1) -> list[tuple[int, int]]:
    """Return where unprotected words of at least `shortest` letters stand."""
    found = [match.span() for match in _WORD.finditer(protected.text)]
    return [(a, b) for a, b in found if b - a >= shortest and protected.is_free(a, b)]


def _spans(text: str, right: Sequence[str]) -> list[tuple[int, int]]:
    spans = [match.span() for pattern in (_ALWAYS, _NAME) for match in pattern.finditer(text)]
    spans += code_spans(text)
    keep = COUNTING_WORDS | (_repeated(right) - FUNCTION_WORDS)
    # Without an answer nobody knows what it will quote; names and numbers are the likely part.
    return spans + [match.span() for match in _WORD.finditer(text) if match.group().lower() in keep]


def _repeated(right: Sequence[str]) -> set[str]:
    return {word.lower() for answer in right for word in _WORD.findall(answer)}


def _merged(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
