"""Which passages speak of what was asked: BM25 (Robertson & Zaragoza 2009), with embeddings if given.

Two rankings are joined by reciprocal rank (Cormack et al. 2009), which needs no common scale. Equal scores keep the
workspace's order, so the same question over the same pages always finds the same passages. A hit says at which place
either ranking has it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

import bm25s
import numpy as np
from numpy.typing import NDArray

from tunesmith.context.page import Passage

# Texts in, vectors of one length out, shape (texts, d).
Embedder = Callable[[Sequence[str]], NDArray[np.float32]]
_RANK_OFFSET = 60  # of reciprocal rank fusion, as in the paper
_WORD = re.compile(r"\w+")
# Scripts that write without spaces: each character is a term.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
_COMMON_WORDS = """
a an and are as at be by can could do does for from have how i in is it its me my of on or please shall should so tell
that the their then there they this to was we were what when where which who why will with would you your
"""
_COMMON = frozenset(_COMMON_WORDS.split())


class Hit(NamedTuple):
    """A passage and how well it fits; scores of one search can be compared, those of two cannot."""

    passage: Passage
    score: float
    by_words: int | None = None  # its place, the best is 1; None: it shares no word with the question
    by_meaning: int | None = None  # None: there is no embedder

    @property
    def how(self) -> str:
        """Which of the two rankings found it, for the receipt."""
        if self.by_meaning is None:
            return "found"
        words = f"words ({self.by_words})" if self.by_words else "no word"
        return f"found by {words}, meaning ({self.by_meaning})"


class Index:
    """Passages that can be searched; without an embedder by their words alone.

    `keeper` embeds the passages in its place, where their vectors are kept; questions are not.
    """

    def __init__(
        self, passages: Sequence[Passage], embedder: Embedder | None = None, keeper: Embedder | None = None
    ) -> None:
        self.passages = tuple(passages)
        self._embedder = embedder
        self._words = None
        terms = [terms_of(f"{p.title} {p.heading} {p.text}") for p in self.passages]
        if any(terms):
            self._words = bm25s.BM25()
            self._words.index(terms, show_progress=False)
        texts = [f"{p.title}\n{p.heading}\n{p.text}" for p in self.passages]
        self._vectors = _unit((keeper or embedder)(texts)) if embedder and texts else None

    def search(self, question: str, *, most: int) -> list[Hit]:
        """Return the passages that fit, the best first; by words, one that shares none with the question is no hit."""
        scores = self._by_words(question)
        if self._vectors is None or self._embedder is None:
            order = np.argsort(-scores, kind="stable")
            found = [int(i) for i in order[:most] if scores[i] > 0]
            return [Hit(self.passages[i], float(scores[i]), place) for place, i in enumerate(found, start=1)]
        near = (self._vectors @ _unit(self._embedder([question]))[0]).round(6)
        words, meaning = _places(scores), _places(near)
        joined = 1.0 / (_RANK_OFFSET + meaning) + np.where(scores > 0, 1.0 / (_RANK_OFFSET + words), 0.0)
        order = np.argsort(-joined, kind="stable")
        return [
            Hit(self.passages[i], float(joined[i]), int(words[i]) if scores[i] > 0 else None, int(meaning[i]))
            for i in order[:most]
        ]

    def _by_words(self, question: str) -> NDArray[np.float64]:
        asked = [term for term in terms_of(question) if term not in _COMMON]
        known = [] if self._words is None else [term for term in asked if term in self._words.vocab_dict]
        if self._words is None or not known:
            return np.zeros(len(self.passages))
        return np.asarray(self._words.get_scores(known), dtype=np.float64).round(9)


def terms_of(text: str) -> list[str]:
    """Return a text's search terms: folded words without accents, a plural's final s taken off."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = _UNSPACED.sub(lambda match: f" {match.group()} ", plain)
    return [_singular(word) for word in _WORD.findall(plain)]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _places(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return each passage's place in the ranking, the best is 1."""
    places = np.empty(scores.size, dtype=np.int64)
    places[np.argsort(-scores, kind="stable")] = np.arange(1, scores.size + 1)
    return places


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
