"""Cut many texts into hashed words at once, without a Python loop over words.

A word is a run of letters and digits after lower-casing and NFKC; a Chinese or Japanese character is a word of its own;
Latin-1 and general punctuation, symbols and arrows separate words. The hash of a word is the polynomial of its UTF-8
bytes modulo 2^64, taken from one cumulative sum over the chunk's bytes, and then mixed; it is the same in every process
and on every machine. Two of a million different words collide with probability below 1e-7.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Bounds = NDArray[np.int64]

_BASE = 0x9E3779B97F4A7C15  # odd, so it has an inverse modulo 2^64
_ROLL = 0xD6E8FEB86659FD93
_WORD_BYTE = np.zeros(256, dtype=bool)
_WORD_BYTE[[*range(ord("0"), ord("9") + 1), *range(ord("a"), ord("z") + 1), *range(0x80, 0x100)]] = True


class Words(NamedTuple):
    """The words of N texts: text i has words `bounds[i]` to `bounds[i + 1]` (`bounds` has shape (N + 1,)).

    `hashes` has shape (words,); word w is the bytes `starts[w]` to `ends[w]` of `buffer`.
    """

    hashes: Hashes
    bounds: Bounds
    buffer: bytes
    starts: Bounds
    ends: Bounds

    @property
    def counts(self) -> Bounds:
        """Return the number of words of each text, shape (N,)."""
        return np.diff(self.bounds)

    def spell(self, word: int) -> str:
        """Return one word as it was read: lower case."""
        return self.buffer[self.starts[word] : self.ends[word]].decode("utf-8", errors="replace")


class Runs(NamedTuple):
    """Hashed runs of words (n-grams, shingles): text i has `hashes[bounds[i]:bounds[i + 1]]`, in reading order."""

    hashes: Hashes
    bounds: Bounds


def words_of(texts: Sequence[str]) -> Words:
    """Return the words of each text; several checks ask for the same ones, so the last two answers are kept."""
    return _words_of(tuple(texts))


@lru_cache(maxsize=2)
def _words_of(texts: tuple[str, ...]) -> Words:
    encoded = [_encoded(text) for text in texts]
    buffer = b"\n".join([b"", *encoded, b""])
    data = np.frombuffer(buffer, dtype=np.uint8)
    word, first_of_character = _word_bytes(data)
    before = np.zeros_like(word)
    before[1:] = word[:-1]
    begins = word & (~before | first_of_character)
    starts = np.flatnonzero(begins)
    # A word ends where its run ends or where the next word begins; the buffer ends with a separator.
    stops = before & (~word | begins)
    ends = np.flatnonzero(stops)
    lengths = np.fromiter((len(text) for text in encoded), dtype=np.int64, count=len(encoded))
    first_byte = np.concatenate([[0], np.cumsum(lengths + 1)])
    return Words(_hash_spans(data, starts, ends), np.searchsorted(starts, first_byte), buffer, starts, ends)


def runs_of(words: Words, n: int) -> Runs:
    """Return every run of n words inside a text; a text of fewer words (but at least one) is one run by itself."""
    counts = words.counts
    per_text = np.where(counts >= n, counts - n + 1, np.minimum(counts, 1))
    bounds = np.concatenate([[0], np.cumsum(per_text)])
    first = np.repeat(words.bounds[:-1] - bounds[:-1], per_text) + np.arange(bounds[-1])
    hashes = np.zeros(int(bounds[-1]), dtype=np.uint64)
    for length in range(1, n + 1):
        texts = counts >= n if length == n else counts == length
        chosen = np.repeat(texts, per_text)
        # The length takes part in the hash: a short text must not equal a run that begins with nothing.
        hashes[chosen] = mixed(_rolled(words.hashes, first[chosen], length), seed=length)
    return Runs(hashes, bounds)


def mixed(hashes: Hashes, seed: int = 0) -> Hashes:
    """Return the hashes passed through the finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit counts."""
    x = hashes + np.uint64((seed * _BASE + _BASE) % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _encoded(text: str) -> bytes:
    if text.isascii():
        return text.lower().encode("ascii")
    return unicodedata.normalize("NFKC", text).lower().encode("utf-8", errors="replace")


def _word_bytes(data: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which bytes belong to words, and which begin a word of their own even inside a run."""
    word = _WORD_BYTE[data]
    begins = np.zeros(len(data), dtype=bool)
    if not (data >= 0x80).any():
        return word, begins
    # U+0080-00BF are C2 xx, U+2000-2FFF are E2 xx xx, U+3000-303F are E3 80 xx: no letters but a few (micro, ordinals).
    for offset in range(2):
        word[np.flatnonzero(data == 0xC2) + offset] = False
    ideographic_space = (data[:-1] == 0xE3) & (data[1:] == 0x80)
    triple = np.concatenate([np.flatnonzero(data == 0xE2), np.flatnonzero(ideographic_space)])
    for offset in range(3):
        word[triple + offset] = False
    # U+3040-9FFF begin with E3-E9: kana and Chinese characters, written without spaces.
    character = np.flatnonzero((data >= 0xE3) & (data <= 0xE9) & word)
    begins[character] = True
    begins[character + 3] = True
    return word, begins


# Tables of a few sizes are in use at once: every chunk is about as long as the last.
@lru_cache(maxsize=4)
def _powers(size: int) -> tuple[Hashes, Hashes]:
    """Return base^i and base^-i modulo 2^64 for i below `size`."""
    inverse = pow(_BASE, -1, 2**64)
    ups, downs = np.full(size, _BASE, dtype=np.uint64), np.full(size, inverse, dtype=np.uint64)
    ups[0] = downs[0] = 1
    return np.multiply.accumulate(ups), np.multiply.accumulate(downs)


def _hash_spans(data: NDArray[np.uint8], starts: Bounds, ends: Bounds) -> Hashes:
    ups, downs = _powers(1 << max(20, len(data).bit_length()))
    sums = np.zeros(len(data) + 1, dtype=np.uint64)
    # No byte of UTF-8 is 255, so one more fits into a byte. In place: these arrays are larger than the caches.
    np.multiply(data + np.uint8(1), ups[: len(data)], out=sums[1:])
    np.cumsum(sums[1:], out=sums[1:])
    return mixed((sums[ends] - sums[starts]) * downs[starts])


def _rolled(hashes: Hashes, first: Bounds, length: int) -> Hashes:
    total = np.zeros(len(first), dtype=np.uint64)
    for offset in range(length):
        total = total * np.uint64(_ROLL) + hashes[first + offset]
    return total
