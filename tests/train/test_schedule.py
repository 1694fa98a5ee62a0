from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from tunesmith.train.schedule import ScheduleConfig, lr_factor, warmup_steps


def test_t_ga_9_cosine_to_a_tenth() -> None:
    """T-GA-9: InstructGPT's SFT schedule at 0, 25, 50, 75 and 100 %, from the closed form of cos(k pi/4)."""
    schedule, peak = ScheduleConfig(kind="cosine", final_ratio=0.1), 9.65e-6
    root = math.sqrt(0.5)
    exact = [1.0, 0.1 + 0.45 * (1 + root), 0.55, 0.1 + 0.45 * (1 - root), 0.1]
    rates = [peak * lr_factor(schedule, step, 400) for step in (0, 100, 200, 300, 400)]
    assert rates == pytest.approx([peak * x for x in exact], rel=1e-12)
    assert [f"{x:.4e}" for x in rates] == ["9.6500e-06", "8.3781e-06", "5.3075e-06", "2.2369e-06", "9.6500e-07"]


def test_linear_ends_at_final_ratio_and_stays() -> None:
    schedule = ScheduleConfig(kind="linear", final_ratio=0.0)
    assert [lr_factor(schedule, s, 4) for s in range(6)] == [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]


def test_step_decays_at_each_milestone() -> None:
    schedule = ScheduleConfig(kind="step", milestones=(0.5, 0.8), decay=0.1)
    factors = [lr_factor(schedule, s, 10) for s in range(10)]
    assert factors == pytest.approx([1.0] * 5 + [0.1] * 3 + [0.01] * 2)


def test_warmup_starts_at_a_tenth_and_reaches_the_peak() -> None:
    schedule = ScheduleConfig(kind="constant", warmup_steps=10)
    assert lr_factor(schedule, 0, 100) == pytest.approx(0.1)
    assert lr_factor(schedule, 5, 100) == pytest.approx(0.55)
    assert [lr_factor(schedule, s, 100) for s in (10, 50, 99)] == [1.0] * 3


def test_warmup_ratio_rounds_up_and_the_shape_covers_the_rest() -> None:
    schedule = ScheduleConfig(kind="linear", warmup_ratio=0.05, warmup_start=0.0, final_ratio=0.0)
    assert warmup_steps(schedule, 50) == 3
    assert lr_factor(schedule, 0, 50) == 0.0
    assert lr_factor(schedule, 3, 50) == 1.0
    assert lr_factor(schedule, 26, 49) == pytest.approx(0.5)


def test_warmup_longer_than_the_run() -> None:
    schedule = ScheduleConfig(warmup_steps=1000)
    assert warmup_steps(schedule, 4) == 4
    assert 0 < lr_factor(schedule, 3, 4) < 1


@pytest.mark.parametrize(
    "bad", [{"warmup_steps": 1, "warmup_ratio": 0.1}, {"milestones": (0.5, 0.5)}, {"milestones": (0.0,)}, {"x": 1}]
)
def test_refuses_what_contradicts_itself(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ScheduleConfig.model_validate(bad)


def test_exponential_rises_in_equal_factors_from_the_start_to_the_peak() -> None:
    schedule = ScheduleConfig(kind="exponential", warmup_start=1e-4)
    assert [lr_factor(schedule, step, 5) for step in range(5)] == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])
    assert lr_factor(schedule, 9, 5) == 1.0


def test_exponential_has_no_warm_up() -> None:
    with pytest.raises(ValueError, match="without a warm-up"):
        ScheduleConfig(kind="exponential", warmup_steps=5)
    with pytest.raises(ValueError, match="without a warm-up"):
        ScheduleConfig(kind="exponential", warmup_start=0.0)
