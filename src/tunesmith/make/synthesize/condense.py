"""Expand and condense where that has one right answer: repetitions, contractions, lists.

* condense: a text in which sentences were said again -> the text; a list with a dash a line -> one line
* expand:   contractions -> full forms (only those with one reading); one line -> a list with a dash a line
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

from tunesmith.core.records import Record
from tunesmith.make.synthesize.method import Pair, good_text

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_ITEM = re.compile(r"^[ \t]*[-*•][ \t]+(\S[^\n;]{0,80}?)[ \t.]*$", re.M)
_CONTRACTION = re.compile(
    r"\b(?:(?P<not>ca|wo|sha|do|does|did|is|are|was|were|has|have|had|could|would|should|must|need)n['’]t"
    r"|(?P<am>I)['’]m|(?P<verb>we|you|they|I|he|she|it|that|there)['’](?P<end>re|ve|ll))\b",
    re.I,
)
_NOT = {"ca": "cannot", "wo": "will not", "sha": "shall not"}
_END = {"re": "are", "ve": "have", "ll": "will"}
_AMBIGUOUS = re.compile(r"\w['’](?:s|d)\b|n['’]t (?:I|you|he|she|it|we|they)\b|ain['’]t", re.I)


def expand_contractions(text: str) -> str:
    """Return the text with each contraction of one reading written out; capitals stay."""

    def full(match: re.Match[str]) -> str:
        if match["not"]:
            stem = match["not"]
            words = _NOT.get(stem.lower(), f"{stem} not")
            return stem[0] + words[1:]
        return f"{match['am']} am" if match["am"] else f"{match['verb']} {_END[match['end'].lower()]}"

    return _CONTRACTION.sub(full, text)


def condense(record: Record, rng: random.Random) -> Iterator[Pair]:
    """Yield one pair of a kind that the good text allows."""
    text = good_text(record)
    makers: list[Callable[[str, random.Random], Pair | None]] = [
        _repetition,
        _contractions,
        _list_to_line,
        _line_to_list,
    ]
    rng.shuffle(makers)
    for maker in makers:
        pair = maker(text, rng)
        if pair is not None:
            yield pair
            return


def _several_sentences(paragraph: str) -> bool:
    sentences = _SENTENCE.split(paragraph)
    # The mark behind the number of a list item ends no sentence.
    whole = all(len(s.split()) >= 4 and s[-1:] in ".!?" for s in sentences) and not re.match(r"\W|\d+[.)]", paragraph)
    return whole and 2 <= len(sentences) <= 6 and len(paragraph) <= 1200


def _repetition(text: str, rng: random.Random) -> Pair | None:
    paragraphs = [p.strip() for p in text.split("\n") if _several_sentences(p.strip())]
    if not paragraphs:
        return None
    right = rng.choice(paragraphs)
    sentences = _SENTENCE.split(right)
    if len(set(sentences)) != len(sentences):
        return None
    longer: list[str] = []
    for sentence in sentences:
        longer.append(sentence)
        # Each sentence may come again anywhere behind its first place, so the first mentions give the answer's order.
        if rng.random() < 0.5:
            longer.append(rng.choice(longer))
    if len(longer) == len(sentences):
        longer.append(rng.choice(sentences))
    asked = "Some sentences of this text are said twice or more. Keep the first of each and change nothing else."
    return Pair(f"{asked}\n\n{' '.join(longer)}", " ".join(sentences), "condense")


def _contractions(text: str, rng: random.Random) -> Pair | None:
    lines = [
        s.strip()
        for p in text.split("\n")
        for s in _SENTENCE.split(p)
        if _CONTRACTION.search(s) and not _AMBIGUOUS.search(s) and 4 <= len(s.split()) <= 40
    ]
    if not lines:
        return None
    line = rng.choice(lines)
    asked = rng.choice(
        ("Write out all contractions and change nothing else:", "Expand the contractions in this sentence.")
    )
    return Pair(f"{asked}\n\n{line}", expand_contractions(line), "expand")


def _items(text: str) -> list[str]:
    items = [match.group(1) for match in _ITEM.finditer(text)]
    return items if 2 <= len(items) <= 10 and not any("," in i or " and " in i or ":" in i for i in items) else []


def _list_to_line(text: str, rng: random.Random) -> Pair | None:
    items = _items(text)
    if not items:
        return None
    given = "\n".join(f"- {item}" for item in items)
    return Pair(
        f"Put this list on one line, with semicolons between its items.\n\n{given}", "; ".join(items), "condense"
    )


def _line_to_list(text: str, rng: random.Random) -> Pair | None:
    items = _items(text)
    if not items:
        return None
    asked = "Write these as a list with a dash in front of each item:"
    return Pair(f"{asked} {'; '.join(items)}", "\n".join(f"- {item}" for item in items), "expand")
