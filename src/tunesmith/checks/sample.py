"""A uniform sample of rows, drawn while they stream past: the same rows however they are divided into chunks.

Each row has a key in [0, 1) from its file's name and its line. While reading, nobody knows how many rows there will be,
so the row at line L is kept if its key is below min(1, 4 size / L): about 4 size (1 + ln(N / 4 size)) rows in all.
When N is known, the rows with a key below min(1, size / N, 4 size / last line) remain: each with the same probability.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tunesmith.checks.check import CheckedRow
from tunesmith.checks.words import mixed

Value = TypeVar("Value")
_SLACK = 4


class Sampled(NamedTuple, Generic[Value]):
    """Rows kept so far: their keys and what was kept of them, of `rows` rows whose last line was `last_line`."""

    keys: list[float]
    values: list[Value]
    rows: int
    last_line: int


def row_keys(rows: Sequence[CheckedRow], seed: int) -> NDArray[np.float64]:
    """Return the rows' keys, uniform in [0, 1), shape (rows,); a file's folder does not matter."""
    salts = {file: _salt(PurePath(file).name) for file in {row.file for row in rows}}
    codes = np.array([salts[row.file] + row.line for row in rows], dtype=np.uint64)
    return (mixed(codes, seed) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def drawn(rows: Sequence[CheckedRow], size: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return which of the rows to keep while reading, and their keys."""
    keys = row_keys(rows, seed)
    lines = np.array([row.line for row in rows], dtype=np.float64)
    kept = np.flatnonzero(keys * lines < _SLACK * size)
    return kept, keys[kept]


def last_line(rows: Sequence[CheckedRow]) -> int:
    """Return the greatest line number, 0 of no rows."""
    return max((row.line for row in rows), default=0)


def gathered(parts: Iterable[Sampled[Value]], size: int) -> Sampled[Value]:
    """Return the final sample of all parts, about `size` rows (all, where there are no more).

    They come in the order of their keys, which is a random order: any first m of them are a uniform sample too.
    """
    keys: list[float] = []
    values: list[Value] = []
    rows = greatest = 0
    for part in parts:
        keys += part.keys
        values += part.values
        rows, greatest = rows + part.rows, max(greatest, part.last_line)
    limit = min(1.0, size / max(rows, 1), _SLACK * size / max(greatest, 1))
    chosen = sorted((i for i, key in enumerate(keys) if key < limit), key=keys.__getitem__)
    return Sampled([keys[i] for i in chosen], [values[i] for i in chosen], rows, greatest)


def _salt(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest(), "little") >> 1
