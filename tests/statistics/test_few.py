from __future__ import annotations

import numpy as np
import pytest

from tunesmith.core.errors import DataError
from tunesmith.statistics.few import mean_of_few


def test_by_hand() -> None:
    rate = mean_of_few([1.0, 2.0, 3.0])  # standard error 1/sqrt(3), t(0.975; 2) = 4.30265
    assert (rate.value, rate.n) == (2.0, 3)
    assert rate.low == pytest.approx(2 - 4.30265 / 3**0.5, abs=1e-4)
    assert rate.high == pytest.approx(2 + 4.30265 / 3**0.5, abs=1e-4)


def test_covers_as_promised() -> None:
    drawn = np.random.default_rng(0).normal(0.3, 1.0, (2000, 3))
    covered = np.mean([rate.low <= 0.3 <= rate.high for rate in map(mean_of_few, drawn.tolist())])
    assert 0.935 < covered < 0.965


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("nan")]])
def test_too_few(values: list[float]) -> None:
    with pytest.raises(DataError):
        mean_of_few(values)
