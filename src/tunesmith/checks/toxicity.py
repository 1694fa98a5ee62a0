"""A local scorer of toxicity: a lexicon of our own and a few rules about who is meant. No outside service, no model.

It finds open abuse and profanity; it does not understand irony, quotation or polite hate. docs/data.md gives its
measured precision and recall on human-labelled data; use it to look, not to decide alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from pydantic import Field

from tunesmith.checks.check import CheckedRow, RowCheck
from tunesmith.checks.finding import Finding, Severity
from tunesmith.checks.worded import LEARNED, Text, Worded
from tunesmith.core.config import Strict

# What is said of a person weighs more than what is said of a thing.
_RULES: tuple[tuple[str, float, re.Pattern[str]], ...] = (
    ("threat", 0.9, re.compile(
        r"\b(?:i(?:'ll| will|'m going to| am going to)|we(?:'ll| will)) (?:all )?(?:just )?(?:kill|murder|stab|shoot|"
        r"strangle)\b(?! time| it\b| for\b)"
    )),
    ("threat", 0.9, re.compile(
        r"\b(?:i hope (?:you|they|he|she)|(?:you|they|he|she) (?:should|deserves? to|needs? to|ought to)) (?:all )?"
        r"(?:just )?(?:kill|murder|stab|shoot|strangle|die|"
        r"be (?:shot|killed|hanged|executed)|burn in hell|rot in hell)\b(?! time| it\b)"
    )),
    ("threat", 0.95, re.compile(r"\b(?:kill|hang|shoot) (?:yourself|urself|yourselves)\b|\bgo (?:die|kill)\b|"
    r"\bdrop dead\b")),
    ("insult", 0.6, re.compile(
        r"\b(?:you(?:'re| are)?|ur|u r|he(?:'s| is)|she(?:'s| is)|they(?:'re| are)) (?:all |just |such |so |a |an |"
        r"the |fucking |really )*"
        r"(?:stupid|dumb|idiots?|morons?|losers?|pathetic|worthless|scum|trash|garbage|disgusting|ugly|clowns?|"
        r"jerks?|pigs?|animals|"
        r"vermin|brain ?dead|brainless|useless|disgrace|filth)\b(?!-)"
    )),
    # "Shut up!" is an order; "Kevin shut up" and "they shut up the house" are not.
    ("insult", 0.6, re.compile(
        r"(?:^|[^\w\s,']\s*|\b(?:just|please|now|so|oh|you|hey|and|or|should|better|must) )"
        r"(?:shut (?:the \w+ )?up|go to hell)\b(?! (?:in|the|with|within|for|a|an|his|her|its|their|my)\b)"
    )),
    ("insult", 0.6, re.compile(r"\bscrew you\b|\bpiece of (?:trash|garbage|filth|crap)\b")),
)  # fmt: skip
# Each rule ends in one of these runs of letters, or holds it.
_RULE_LETTERS = frozenset((
    "kill", "murder", "stab", "shoot", "strangle", "die", "shot", "killed", "hanged", "executed", "burn", "rot",
    "dead", "hang", "stupid", "dumb", "idiot", "idiots", "moron", "morons", "loser", "losers", "pathetic",
    "worthless", "scum", "trash", "garbage", "disgusting", "ugly", "clown", "clowns", "jerk", "jerks", "pig",
    "pigs", "animals", "vermin", "brain", "braindead", "brainless", "useless", "disgrace", "filth", "shut",
    "screw", "hell", "piece",
))  # fmt: skip
_LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"})
_MASKED = re.compile(r"(?<!\w)[a-z]+[013457@$!*#]+[a-z0134579@$!*#]*[a-z](?!\w)")
_SIGN_INSIDE = re.compile(r"[a-z][013457@$*#!]+[a-z]")
# The same but for its first letter: signs are rarer than letters, so this begins at few places.
_SIGN_BEFORE = re.compile(r"[013457@$*#!][a-z]")
_HARMLESS = {"cum": "cum laud"}
# What single words add up to must stand together: a chapter with five mild words is not abuse.
_PASSAGE = 100  # words
# What a star in the lexicon stands for.
_ENDINGS = (
    "",
    "s",
    "es",
    "ed",
    "er",
    "ers",
    "in",
    "ing",
    "y",
    "ty",
    "head",
    "heads",
    "face",
    "faces",
    "wit",
    "able",
    "up",
    "ographic",
    "ish",
)
_HIDDEN = {
    "f*ck",
    "f**k",
    "f***",
    "sh*t",
    "s**t",
    "b*tch",
    "c*nt",
    "a**hole",
    "a**",
    "n*gger",
    "d*ck",
    "f*cking",
    "f**king",
    "f#ck",
}


class ToxicityConfig(Strict):
    """Toxicity."""

    threshold: float = Field(0.5, gt=0, lt=1, description="score from which a text is toxic, 0 to 1")


class ToxicScore(NamedTuple):
    """`value` in 0..1, the strongest category, and what was found."""

    value: float
    category: str
    found: tuple[str, ...]


class _Term(NamedTuple):
    category: str
    weight: float


_Hit = tuple[str, _Term]


class ToxicityCheck(RowCheck):
    """Open abuse, threats, slurs and profanity."""

    name = "toxicity"
    source = "house rule: a lexicon and rules written for this project, measured on human labels in docs/data.md"

    def __init__(self, config: ToxicityConfig) -> None:
        self._threshold = config.threshold

    def row(self, row: CheckedRow) -> Iterator[Finding]:
        """Yield toxic texts; in what is to be imitated it is a warning, elsewhere (a rude user) a note."""
        for text in row.worded:
            score = toxicity(text)
            if score.value >= self._threshold:
                shown = ", ".join(_veiled(word) for word in score.found[:3])
                reason = f"score {score.value:.2f} ({score.category}): {shown}"
                severity: Severity = "warning" if text.role in LEARNED else "note"
                yield Finding(row.file, row.line, text.field, f"toxicity.{score.category}", reason, severity)


def toxicity(text: Worded) -> ToxicScore:
    """Return the score of a text: that of its worst passage of 100 words, so that length alone adds nothing."""
    hits = _hits(text)
    if len(hits) > 1 and len(text.words) > _PASSAGE:
        return max(map(_sum_of, map(_hits, _passages(text))), key=lambda score: score.value)
    return _sum_of(hits)


def _hits(text: Worded) -> list[_Hit]:
    return [*_terms(text), *_rules(text)]


def _passages(text: Worded) -> Iterator[Worded]:
    """Yield a text's passages of 100 words; each begins in the middle of the one before."""
    pieces = text.text.split()
    for start in range(0, max(1, len(pieces) - _PASSAGE // 2), _PASSAGE // 2):
        yield Worded(Text(text.field, text.role, " ".join(pieces[start : start + _PASSAGE])))


def _sum_of(hits: Sequence[_Hit]) -> ToxicScore:
    if not hits:
        return ToxicScore(0.0, "", ())
    clean = 1.0
    for _, term in hits:
        clean *= 1 - term.weight
    worst = max(hits, key=lambda hit: hit[1].weight)[1].category
    return ToxicScore(1 - clean, worst, tuple(word for word, _ in hits))


def _terms(text: Worded) -> Iterator[_Hit]:
    lexicon = toxic_terms()
    words = lexicon.keys() & text.vocabulary
    if _SIGN_BEFORE.search(text.low) and _SIGN_INSIDE.search(text.low):
        words |= lexicon.keys() & _unmasked(text.low)
    for word in sorted(words):
        if word in _HARMLESS and _HARMLESS[word] in text.low:
            continue
        yield word, lexicon[word]


def _unmasked(low: str) -> set[str]:
    """Return what words with figures and signs in the place of letters stand for."""
    masked = _MASKED.findall(low)
    plain = {word.translate(_LEET) for word in masked}
    return {word for word in plain if word.isalpha()} | ({"fuck"} if any(word in _HIDDEN for word in masked) else set())


def _rules(text: Worded) -> Iterator[_Hit]:
    if not _RULE_LETTERS.isdisjoint(text.letters):
        for category, weight, pattern in _RULES:
            if found := pattern.search(text.low):
                yield found.group(), _Term(category, weight)


def _veiled(word: str) -> str:
    return word if " " in word else word[0] + "*" * (len(word) - 2) + word[-1]


@lru_cache(maxsize=1)
def toxic_terms() -> Mapping[str, _Term]:
    """Return the lexicon's words in small letters, with their category and weight."""
    terms: dict[str, _Term] = {}
    for line in (files("tunesmith.checks") / "data" / "toxic_terms.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            word, category, weight = line.split("\t")
            for ending in _ENDINGS if word.endswith("*") else ("",):
                terms.setdefault(word.rstrip("*") + ending, _Term(category, float(weight)))
    return terms
