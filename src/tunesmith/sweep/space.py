"""What a sweep varies: a range or a list of values for any key of a stage's configuration.

`learning_rate=log:1e-5..1e-3` even in the logarithm · `max_steps=500..1500/250` in steps of 250 ·
`weight_decay=0..0.1` · `global_batch_size=2,4,8` these values · `learning_rate=log:1e-5..1e-3:5` five points of a grid.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from optuna import Trial

from tunesmith.core.config_schema import Schema
from tunesmith.core.errors import ConfigError
from tunesmith.core.yaml_strict import scalar

_NUMBER = r"[-+]?[0-9._]+(?:[eE][-+]?[0-9]+)??"
_RANGE = re.compile(
    rf"^(?P<log>log:)?(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})(?:/(?P<step>{_NUMBER}))?(?::(?P<points>[0-9]+))?$"
)
_FORM = "write LOW..HIGH, log:LOW..HIGH, LOW..HIGH/STEP, LOW..HIGH:POINTS, or values with commas between"


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included; `step` is the raster and `points` how many of them a grid takes."""

    key: str
    low: float
    high: float
    whole: bool
    log: bool = False
    step: float | None = None
    points: int | None = None

    def suggest(self, trial: Trial) -> Any:
        """Return the trial's value."""
        if self.whole:
            step = 1 if self.step is None else int(self.step)
            return trial.suggest_int(self.key, int(self.low), int(self.high), step=step, log=self.log)
        return trial.suggest_float(self.key, self.low, self.high, step=self.step, log=self.log)

    def value_of(self, stored: Any) -> Any:
        """Return what goes into the configuration for the value that Optuna stores."""
        return int(stored) if self.whole else float(stored)

    def ends(self) -> list[Any]:
        """Return the extreme values, for checking them before anything starts."""
        return [self.value_of(self.low), self.value_of(self.high)]

    def grid(self) -> list[Any]:
        """Return a grid's values, ascending, without repetition.

        Raises:
            ConfigError: the range has neither a step nor a number of points, so it has no grid.
        """
        if self.step is not None:
            n = math.floor((self.high - self.low) / self.step + 1e-9) + 1
            values = [self.low + i * self.step for i in range(n)]
        elif self.points is not None:
            spaced = np.geomspace if self.log else np.linspace
            values = [float(v) for v in spaced(self.low, self.high, self.points)]
        elif self.whole and not self.log:
            values = [float(v) for v in range(int(self.low), int(self.high) + 1)]
        else:
            remedy = "give points (log:1e-5..1e-3:5), a step (0..0.1/0.05) or values with commas"
            raise ConfigError("a grid needs points", where=f"--over {self.key}", remedy=remedy)
        found = [round(v) if self.whole else float(f"{v:.12g}") for v in values]
        return sorted(set(found))


@dataclass(frozen=True, slots=True)
class Choices:
    """A list of values of any kind; Optuna sees lists and mappings as their JSON text."""

    key: str
    values: tuple[Any, ...]

    def suggest(self, trial: Trial) -> Any:
        """Return the trial's value."""
        return self.value_of(trial.suggest_categorical(self.key, [self.stored(v) for v in self.values]))

    def value_of(self, stored: Any) -> Any:
        """Return what goes into the configuration for the value that Optuna stores."""
        return next(v for v in self.values if self.stored(v) == stored and isinstance(stored, bool) == _is_bool(v))

    @staticmethod
    def stored(value: Any) -> Any:
        """Return the value as Optuna can hold it."""
        return json.dumps(value) if isinstance(value, list | tuple | dict) else value

    def ends(self) -> list[Any]:
        """Return every value."""
        return list(self.values)

    def grid(self) -> list[Any]:
        """Return every value, in the order given."""
        return list(self.values)


Dimension = Range | Choices


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def parse_space(over: Mapping[str, Any], schema: Schema) -> list[Dimension]:
    """Return the dimensions of `name -> range or values`; a name is a full key or the only one that ends so.

    Raises:
        ConfigError: nothing to vary, an unknown or repeated key, or a text that is neither a range nor values.
    """
    if not over:
        raise ConfigError("nothing to vary", where="--over", remedy="give --over learning_rate=log:1e-5..1e-3")
    found: dict[str, Dimension] = {}
    for name, text in over.items():
        where = f"--over {name}"
        key = schema.find(name, where=where)
        if key in schema.groups:
            raise ConfigError(f"{key!r} is a group of keys", where=where, remedy="name one of its keys")
        if key in found:
            raise ConfigError(f"{key!r} is varied twice", where=where, remedy="keep one")
        found[key] = _dimension(key, text, whole=_is_whole(schema, key), where=where)
    return list(found.values())


def _is_whole(schema: Schema, key: str) -> bool:
    info = schema.leaves.get(key)
    kinds = () if info is None else (info.annotation, *get_args(info.annotation))
    return int in kinds and float not in kinds


def _dimension(key: str, text: Any, *, whole: bool, where: str) -> Dimension:
    if isinstance(text, list | tuple):
        return _choices(key, text, where)
    if not isinstance(text, str):
        return _choices(key, [text], where)
    if ".." not in text:
        parts = [part.strip() for part in text.split(",")]
        return _choices(key, [scalar(part) if part else "" for part in parts], where)
    match = _RANGE.match(text.strip())
    try:
        assert match is not None
        low, high = float(match["low"]), float(match["high"])
        step = None if match["step"] is None else float(match["step"])
    except (AssertionError, ValueError):
        raise ConfigError(f"{text!r} is not a range", where=where, remedy=_FORM) from None
    log, points = match["log"] is not None, None if match["points"] is None else int(match["points"])
    _check_range(low, high, step=step, log=log, where=where)
    if whole and any(v is not None and v != int(v) for v in (low, high, step)):
        raise ConfigError(f"{text!r} has fractions", where=where, why=f"{key} is a whole number")
    return Range(key, low, high, whole, log, step, points)


def _check_range(low: float, high: float, *, step: float | None, log: bool, where: str) -> None:
    if not low < high:
        raise ConfigError("a range needs LOW below HIGH", where=where)
    if log and low <= 0:
        raise ConfigError("a range in the logarithm must begin above 0", where=where)
    if log and step is not None:
        raise ConfigError("a range in the logarithm has no step", where=where, remedy="give points: log:LOW..HIGH:5")
    if step is not None and not 0 < step <= high - low:
        raise ConfigError("the step must be above 0 and fit into the range", where=where)


def _choices(key: str, values: Sequence[Any], where: str) -> Choices:
    if not values or any(value == "" for value in values):
        raise ConfigError("an empty value", where=where, remedy=_FORM)
    texts = [json.dumps(value, sort_keys=True) for value in values]
    if len(set(texts)) < len(texts):
        raise ConfigError("a value is given twice", where=where, remedy="keep one")
    return Choices(key, tuple(values))
