from __future__ import annotations

import pytest

from tunesmith.statistics.alpha import krippendorff_alpha

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", data C: four observers, twelve units.
BOOK = [
    [1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4], [4, 4, 4, 4],
    [1, 1, 2, 1], [2, 2, 2, 2], [5, 5, 5], [1, 1], [3],
]  # fmt: skip


@pytest.mark.parametrize(("level", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_the_book_s_example(level: str, expected: float) -> None:
    found = krippendorff_alpha([[unit] for unit in BOOK], level=level, seed=0)  # type: ignore[arg-type]
    assert found is not None and found.value == pytest.approx(expected, abs=0.0006)
    assert found.low <= found.value <= found.high <= 1.0 and found.n == 11


def test_undefined_is_none_and_not_zero() -> None:
    assert krippendorff_alpha([], level="nominal", seed=0) is None
    assert krippendorff_alpha([[[1.0]], [[2.0]]], level="nominal", seed=0) is None
    assert krippendorff_alpha([[[1.0, 1.0]], [[1.0, 1.0]]], level="nominal", seed=0) is None


def test_one_prompt_has_no_interval_to_speak_of() -> None:
    found = krippendorff_alpha([[[1.0, 1.0], [2.0, 2.0]]], level="nominal", seed=0)
    assert found is not None and (found.value, found.low, found.high, found.n) == (1.0, -1.0, 1.0, 1)
