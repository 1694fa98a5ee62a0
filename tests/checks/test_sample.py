from __future__ import annotations

import numpy as np
import pytest

from tunesmith.checks.check import CheckedRow
from tunesmith.checks.sample import Sampled, drawn, gathered, last_line, row_keys
from tunesmith.core.records import Document


def stream(n: int, file: str = "/data/a.jsonl") -> list[CheckedRow]:
    return [CheckedRow(file, line, Document(text=str(line))) for line in range(1, n + 1)]


def sample(rows: list[CheckedRow], size: int, chunk: int) -> tuple[Sampled[int], int]:
    parts = []
    for i in range(0, len(rows), chunk):
        piece = rows[i : i + chunk]
        kept, keys = drawn(piece, size, 0)
        parts.append(Sampled(keys.tolist(), [piece[k].line for k in kept.tolist()], len(piece), last_line(piece)))
    return gathered(parts, size), sum(len(part.values) for part in parts)


def test_few_rows_are_all_taken() -> None:
    taken, _ = sample(stream(300), 300, 64)
    assert sorted(taken.values) == list(range(1, 301))


def test_the_sample_is_uniform_over_the_lines_and_about_as_large_as_asked() -> None:
    taken, read = sample(stream(60_000), 1000, 1000)
    assert len(taken.values) == pytest.approx(1000, abs=4 * 1000**0.5)
    tenths = np.histogram(taken.values, bins=10, range=(0, 60_000))[0]
    assert ((tenths - 100) ** 2 / 100).sum() < 30, "chi-squared of 9 degrees of freedom, p < 0.001"
    assert read == pytest.approx(4000 * (1 + np.log(15)), rel=0.1), "what is kept while reading grows like a logarithm"


def test_the_sample_does_not_depend_on_chunks_or_folders_but_on_the_seed() -> None:
    rows = stream(5000)
    assert sample(rows, 200, 7)[0] == sample(rows, 200, 5000)[0]
    assert row_keys(stream(9, "/elsewhere/a.jsonl"), 0).tolist() == row_keys(rows[:9], 0).tolist()
    assert row_keys(rows[:9], 1).tolist() != row_keys(rows[:9], 0).tolist()


def test_the_first_of_the_sample_are_a_sample_too() -> None:
    taken, _ = sample(stream(10_000), 1000, 500)
    assert taken.keys == sorted(taken.keys)
    assert np.mean(taken.values[:100]) == pytest.approx(5000, abs=4 * 2887 / 10)
