from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tunesmith.core.errors import ConfigError, TunesmithError
from tunesmith.core.run_context import RunContext
from tunesmith.recipes.sft import Config
from tunesmith.sweep.lr_range import Span, analyse, rate_at, run_lr_range, smooth

RATES = [rate_at(step, low=1e-6, high=1.0, steps=121) for step in range(1, 122)]


def valley(rate: float) -> float:
    """A loss that falls until 1e-2 and explodes after it."""
    return 3.0 - 2.0 / (1 + (1e-3 / rate)) + max(0.0, math.log10(rate) + 2) ** 2


def test_rates_rise_by_equal_factors_as_the_schedule_does() -> None:
    assert (RATES[0], RATES[-1]) == (pytest.approx(1e-6), pytest.approx(1.0))
    assert np.diff(np.log(RATES)) == pytest.approx([math.log(1e6) / 120] * 120)


def test_smoothing_has_no_bias_at_its_start() -> None:
    assert smooth([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])
    assert smooth([1.0, 3.0], 0.5) == pytest.approx([1.0, (0.25 * 1 + 0.5 * 3) / 0.75])


def test_the_known_valley_is_found_under_noise() -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, len(RATES))
    found = analyse(RATES, [valley(r) + n for r, n in zip(RATES, noise, strict=True)])
    assert 5e-3 < found.smallest < 5e-2  # the average lags behind by a few steps
    assert found.suggested == pytest.approx(found.smallest / 10)
    assert 2e-4 < found.steepest < found.smallest and found.diverged


def test_a_range_that_ends_too_early_is_said() -> None:
    found = analyse(RATES[:70], [valley(r) for r in RATES[:70]])
    assert "raise --high" in found.why and not found.diverged


def test_no_fall_and_too_few_steps_are_errors() -> None:
    with pytest.raises(TunesmithError, match="never fell"):
        analyse(RATES, [1.0 + 0.01 * i for i in range(len(RATES))])
    with pytest.raises(TunesmithError, match="too short"):
        analyse(RATES[:10], [1.0] * 10)


def test_a_wrong_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 < LOW < HIGH"):
        run_lr_range("sft", Config(), tmp_path, RunContext(), Span(1.0, 1e-3, 50))
