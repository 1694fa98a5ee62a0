"""Restore punctuation and capitals: the input is the text without them, the answer is the text.

Only text whose punctuation is not a matter of taste serves: short plain sentences that begin with a capital, end with a
mark, and hold no comma, quote, bracket, dash, list or number with a point.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from tunesmith.core.records import Record
from tunesmith.make.synthesize.method import Pair, good_text

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_PLAIN = re.compile(r"[A-Z][A-Za-z0-9 ']*[A-Za-z0-9][.!?]")
_DOUBTFUL = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|vs|etc|No)\.|\b[A-Z]\.|'s? |s' ", re.I)
_LONGEST = 3  # sentences
_REQUESTS = (
    "Restore the punctuation and the capital letters:\n\n{text}",
    "Add the missing punctuation and capitals to this text.\n\n{text}",
    "Write this properly, with capitals and punctuation, and change nothing else: {text}",
    "{text}\n\nThe text above has lost its capitals and its punctuation. Put them back.",
)


def bare(text: str) -> str:
    """Return the text in small letters and without punctuation; apostrophes inside words stay."""
    return re.sub(r"\s+", " ", re.sub(r"[.,!?;:]", "", text)).strip().lower()


def restore(record: Record, rng: random.Random) -> Iterator[Pair]:
    """Yield one pair where the good text has a run of suitable sentences."""
    runs = [run for line in good_text(record).split("\n") for run in _runs(line.strip())]
    if runs:
        right = rng.choice(runs)
        yield Pair(rng.choice(_REQUESTS).format(text=bare(right)), right, "restore_punctuation")


def _runs(line: str) -> list[str]:
    """Return stretches of one to three suitable sentences that follow each other."""
    sentences = _SENTENCE.split(line)
    runs = []
    for size in range(1, _LONGEST + 1):
        for begin in range(len(sentences) - size + 1):
            run = sentences[begin : begin + size]
            if all(_suits(sentence) for sentence in run):
                runs.append(" ".join(run))
    return runs


def _suits(sentence: str) -> bool:
    # Most commas are a matter of taste, so none is asked back.
    return bool(4 <= len(sentence.split()) <= 30 and _PLAIN.fullmatch(sentence) and not _DOUBTFUL.search(sentence))
