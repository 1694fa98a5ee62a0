from __future__ import annotations

import pytest

from tunesmith.statistics.alpha import krippendorff_alpha

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", data C: four observers, twelve units.
BOOK = [
    [1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4], [4, 4, 4, 4],
    [1, 1, 2, 1], [2, 2, 2, 2], [5, 5, 5], [1, 1], [3],
]  # fmt: skip


@pytest.mark.parametrize(("level", "expected"), [("nominal", 0.743421), ("ordinal", 0.815388), ("interval", 0.849107)])
def test_t_ev_10_the_book_s_example(level: str, expected: float) -> None:
    found = krippendorff_alpha([[unit] for unit in BOOK], level=level, seed=0)  # type: ignore[arg-type]
    assert found is not None and found.value == pytest.approx(expected, abs=1e-5)
    assert found.low <= found.value <= found.high <= 1.0 and found.n == 11


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_t_ev_10_neither_raters_nor_items_have_an_order(level: str) -> None:
    """Perfect agreement is 1, whatever the level."""
    one = krippendorff_alpha([[unit] for unit in BOOK], level=level, seed=0)  # type: ignore[arg-type]
    other = krippendorff_alpha([[unit[::-1]] for unit in reversed(BOOK)], level=level, seed=0)  # type: ignore[arg-type]
    assert one is not None and other is not None and one.value == pytest.approx(other.value, abs=1e-12)
    same = krippendorff_alpha([[[1.0, 1.0]], [[2.0, 2.0, 2.0]]], level=level, seed=0)  # type: ignore[arg-type]
    assert same is not None and same.value == 1.0


def test_undefined_is_none_and_not_zero() -> None:
    assert krippendorff_alpha([], level="nominal", seed=0) is None
    assert krippendorff_alpha([[[1.0]], [[2.0]]], level="nominal", seed=0) is None
    assert krippendorff_alpha([[[1.0, 1.0]], [[1.0, 1.0]]], level="nominal", seed=0) is None


def test_one_prompt_has_no_interval_to_speak_of() -> None:
    found = krippendorff_alpha([[[1.0, 1.0], [2.0, 2.0]]], level="nominal", seed=0)
    assert found is not None and (found.value, found.low, found.high, found.n) == (1.0, -1.0, 1.0, 1)
