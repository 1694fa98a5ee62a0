from __future__ import annotations

from typing import Any

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.recipes import ppo, sft
from tunesmith.sweep.plan import SweepConfig, make_plan

RATE = "engine.optimizer.learning_rate"


def plan_of(config: Any = None, stage: str = "sft", **settings: Any) -> Any:
    return make_plan(
        stage, config or sft.Config(), SweepConfig(**{"over": {"learning_rate": "log:1e-5..1e-3"}, **settings})
    )


def test_a_trial_is_the_stage_with_its_values() -> None:
    plan = plan_of()
    config = plan.config({RATE: 3e-4, "lora.rank": 4}, seed=7)
    assert (config.engine.optimizer.learning_rate, config.lora.rank, config.seed) == (3e-4, 4, 7)
    assert config.engine.early_stopping.metric == "validation/loss" and config.engine.validate_every == 50
    assert config.engine.checkpoint.load_best_at_end


def test_the_metric_and_its_direction_follow_the_stage() -> None:
    assert (plan_of().metric, plan_of().larger) == ("validation/loss", False)
    assert plan_of(metric="validation/accuracy").larger
    assert not plan_of(metric="validation/accuracy", mode="min").larger
    score = plan_of(ppo.Config(), "ppo")
    assert (score.metric, score.larger, score.is_validation) == ("ppo/score", True, False)


def test_the_guides_preset() -> None:
    plan = plan_of(over={}, preset="guide")
    found = {d.key: (d.low, d.high, d.log) for d in plan.space}
    assert found == {RATE: (1e-5, 1e-3, True), "global_batch_size": (2, 8, False), "max_steps": (500, 1500, False)}
    engine = plan.base.model_dump()["engine"]
    assert (engine["schedule"]["warmup_steps"], engine["optimizer"]["weight_decay"]) == (100, 0.01)
    assert engine["early_stopping"]["patience"] == 3
    assert plan_of(over={"max_steps": "100,200"}, preset="guide").space[2].values == (100, 200)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"over": {"learning_rate": "-1..1"}}, "learning_rate = -1.0 is not allowed"),
        ({"over": {"overlong": "drop,shorten"}}, "'shorten' is not allowed"),
        ({"metric": "train/loss", "patience": 3}, "need a validation metric"),
        ({"metric": "train/loss", "pruner": "median"}, "need a validation metric"),
    ],
)
def test_what_no_trial_could_run_with_is_refused_before_the_first(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        plan_of(**settings)


def test_a_validation_metric_needs_held_out_rows() -> None:
    with pytest.raises(ConfigError, match="nothing is held out"):
        plan_of(sft.Config(validation_fraction=0))
