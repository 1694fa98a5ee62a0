"""What a sweep does (`SweepConfig`), and how a trial's configuration comes from the stage's and the trial's values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, ValidationError

from tunesmith.core.config import Strict
from tunesmith.core.config_schema import schema_of
from tunesmith.core.errors import ConfigError
from tunesmith.sweep.space import Dimension, parse_space

VALIDATE_EVERY = 50
METRICS: Mapping[str, str] = {
    "pretrain": "validation/loss",
    "sft": "validation/loss",
    "reward": "validation/accuracy",
    "dpo": "validation/loss",
    "ppo": "ppo/score",
    "grpo": "grpo/score",
    "distill": "validation/loss",
}
_LARGER = ("accuracy", "score", "reward", "success", "margin", "gold")


class SweepConfig(Strict):
    """A sweep over one stage. In a file (`--plan FILE`) `over` maps a key to a range or a list of values."""

    over: dict[str, Any] = Field({}, description="key -> log:LOW..HIGH, LOW..HIGH/STEP or a list of values")
    metric: str = Field("", description="what is optimised, as metrics.jsonl calls it; none = the stage's own")
    mode: Literal["auto", "min", "max"] = Field("auto", description="auto: max for accuracy, score and the like")
    sampler: Literal["tpe", "random", "grid"] = Field("tpe", description="how values are chosen")
    trials: int = Field(20, ge=1, description="how many; a grid has its own number")
    workers: int = Field(1, ge=1, description="trials at the same time; the cores are shared out among them")
    threads: int = Field(0, ge=0, description="threads of one trial; 0 = cores / workers")
    pruner: Literal["none", "median", "hyperband"] = Field("none", description="how hopeless trials are ended early")
    startup_trials: int = Field(5, ge=0, description="trials that end by themselves before the median pruner judges")
    patience: int | None = Field(None, ge=1, description="validations without improvement that end a trial")
    validate_every: int = Field(0, ge=0, description="steps between validations; 0 = the stage's own, else 50")
    retries: int = Field(2, ge=0, description="how often a killed trial is taken up again")
    confirm_seeds: int = Field(0, ge=0, description="new seeds with which the best and the given values are compared")
    baseline: bool = Field(True, description="also run the stage as given, to compare with")
    seed: int = Field(0, description="the seed of the sampler; a trial's own is the stage's")
    engine: Literal["local", "ray"] = Field("local", description="where trials run: this machine or a Ray cluster")
    preset: Literal["none", "guide"] = Field("none", description="guide: ranges of a first search (docs/sweeps.md)")


GUIDE_OVER: Mapping[str, Any] = {
    "engine.optimizer.learning_rate": "log:1e-5..1e-3",
    "global_batch_size": "2..8",
    "max_steps": "500..1500",
}
GUIDE_SETS: Mapping[str, Any] = {"engine.schedule.warmup_steps": 100, "engine.optimizer.weight_decay": 0.01}
GUIDE_PATIENCE = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """A sweep ready to run: `base` is the stage's configuration without `out`, as it is trained without any trial."""

    stage: str
    base: Strict
    settings: SweepConfig
    space: list[Dimension]
    metric: str
    larger: bool

    @property
    def is_validation(self) -> bool:
        """Whether the metric is a validation: then a run's value is its best one, and its model that of the best."""
        return self.metric.startswith("validation/")

    def config(self, values: Mapping[str, Any], *, seed: int | None = None) -> Strict:
        """Return the stage's configuration with these values.

        Raises:
            ConfigError: the stage does not allow one of them.
        """
        return with_values(self.base, values if seed is None else {**values, "seed": seed})

    def better(self, one: float, other: float) -> bool:
        """Tell whether one value is better than the other."""
        return one > other if self.larger else one < other


def make_plan(stage: str, config: Strict, settings: SweepConfig) -> Plan:
    """Return the plan, with every extreme value of every dimension checked against the stage's rules.

    Raises:
        ConfigError: a key, range or value is wrong; or the metric needs a validation that the stage does not make.
    """
    if settings.preset == "guide":
        settings = settings.model_copy(
            update={"over": {**GUIDE_OVER, **settings.over}, "patience": settings.patience or GUIDE_PATIENCE}
        )
        config = with_values(config, _known(GUIDE_SETS, config))
    space = parse_space(settings.over, schema_of(type(config)))
    metric = settings.metric or METRICS.get(stage, "")
    if not metric:
        raise ConfigError(f"what shall a sweep of {stage} optimise?", where="--metric", remedy="name a metric")
    larger = settings.mode == "max" or (settings.mode == "auto" and any(word in metric for word in _LARGER))
    base = _with_validation(config, settings, metric, "max" if larger else "min")
    plan = Plan(stage, base, settings, space, metric, larger)
    for dimension in space:
        for value in dimension.ends():
            plan.config({dimension.key: value})
    return plan


def _known(values: Mapping[str, Any], config: Strict) -> dict[str, Any]:
    schema = schema_of(type(config))
    return {key: value for key, value in values.items() if schema.knows(key)}


def _with_validation(config: Strict, settings: SweepConfig, metric: str, mode: str) -> Strict:
    """Let the engine follow the metric: validate, keep the best step's weights, stop when patience is used up."""
    if not metric.startswith("validation/"):
        if settings.patience is not None or settings.pruner != "none":
            why = f"{metric} is no validation"
            raise ConfigError("patience and pruning need a validation metric", where="--metric", why=why)
        return config
    nested = config.model_dump(mode="json")
    if nested.get("validation_fraction") == 0:
        remedy = "set validation_fraction above 0"
        raise ConfigError("nothing is held out to validate on", where="validation_fraction", remedy=remedy)
    every = settings.validate_every or nested["engine"]["validate_every"] or VALIDATE_EVERY
    return with_values(
        config,
        {
            "engine.validate_every": every,
            "engine.early_stopping": {"metric": metric, "mode": mode, "patience": settings.patience},
            "engine.checkpoint.load_best_at_end": True,
        },
    )


def with_values(config: Strict, values: Mapping[str, Any]) -> Strict:
    """Return the configuration with dotted keys replaced.

    Raises:
        ConfigError: a value is not allowed; names the key.
    """
    nested = config.model_dump(mode="json")
    for path, value in values.items():
        *parents, name = path.split(".")
        node = nested
        for parent in parents:
            if node.get(parent) is None:
                node[parent] = {}
            node = node[parent]
        node[name] = value
    try:
        return type(config).model_validate_json(json.dumps(nested), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or ", ".join(values)
        why = first["msg"].replace("Input should be", "must be")
        raise ConfigError(f"{place} = {first['input']!r} is not allowed"[:160], where="--over", why=why) from error


def flat_values(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a nested configuration with dotted keys."""
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from flat_values(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
