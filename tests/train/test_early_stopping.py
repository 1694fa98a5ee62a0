from __future__ import annotations

import json

import pytest

from tunesmith.core.errors import ConfigError, NumericalError
from tunesmith.train.early_stopping import EarlyStopping, EarlyStoppingConfig


def follow(values: list[float], **config: object) -> tuple[EarlyStopping, list[bool]]:
    stopping = EarlyStopping(EarlyStoppingConfig.model_validate({"metric": "m", **config}))
    return stopping, [stopping.update(i, {"m": v}) for i, v in enumerate(values)]


def test_patience_counts_validations_without_improvement() -> None:
    stopping, improved = follow([3.0, 2.0, 2.0, 2.5], patience=3)
    assert improved == [True, True, False, False] and not stopping.should_stop
    stopping.update(4, {"m": 2.0})
    assert stopping.should_stop and (stopping.best_step, stopping.best_value) == (1, 2.0)


def test_min_delta_and_max_mode() -> None:
    _, improved = follow([0.5, 0.55, 0.61], mode="max", min_delta=0.1)
    assert improved == [True, False, True]


def test_without_patience_it_only_tracks() -> None:
    stopping, _ = follow([1.0] + [2.0] * 50)
    assert not stopping.should_stop and stopping.best_step == 0


def test_state_is_json_and_continues() -> None:
    stopping, _ = follow([1.0, 2.0], patience=2)
    other = EarlyStopping(EarlyStoppingConfig(metric="m", patience=2))
    other.load_state_dict(json.loads(json.dumps(stopping.state_dict())))
    other.update(2, {"m": 1.5})
    assert other.should_stop and other.best_step == 0


def test_nan_is_not_a_bad_value_and_a_missing_metric_is_named() -> None:
    stopping, _ = follow([1.0])
    with pytest.raises(NumericalError, match="m is nan"):
        stopping.update(1, {"m": float("nan")})
    with pytest.raises(ConfigError, match="validation/acc"):
        stopping.update(1, {"validation/acc": 1.0})
