from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from tunesmith.core.config_schema import Strict, schema_of
from tunesmith.core.errors import ConfigError


class Optimizer(Strict):
    learning_rate: float = 1e-4
    """The peak learning rate."""
    warmup: int = 0


class Lora(Strict):
    rank: int = 8
    warmup: int = 1


class Config(Strict):
    out: Path
    name: str | None = None
    optimizer: Optimizer = Optimizer()
    lora: Lora | None = None
    loss_coefs: dict[str, float] = Field(default_factory=dict)
    data: tuple[Path, ...] = ()


SCHEMA = schema_of(Config)


def test_keys_in_order_of_declaration() -> None:
    expected = ["out", "name", "optimizer.learning_rate", "optimizer.warmup", "lora.rank", "lora.warmup", "loss_coefs"]
    assert list(SCHEMA.leaves) == [*expected, "data"]
    assert SCHEMA.groups == {"optimizer": Optimizer, "lora": Lora}
    assert SCHEMA.mappings == {"loss_coefs"}
    assert SCHEMA.texts == {"out", "name"}


def test_a_docstring_under_a_field_documents_it() -> None:
    assert SCHEMA.leaves["optimizer.learning_rate"].description == "The peak learning rate."


def test_find_takes_a_full_key_or_its_only_ending() -> None:
    assert SCHEMA.find("optimizer.warmup", where="x") == "optimizer.warmup"
    assert SCHEMA.find("learning_rate", where="x") == "optimizer.learning_rate"
    assert SCHEMA.find("loss_coefs.ptx", where="x") == "loss_coefs.ptx"


def test_an_ambiguous_ending_lists_the_candidates() -> None:
    with pytest.raises(ConfigError, match=r"--set warmup: 'warmup' can mean 2 keys.*optimizer\.warmup, lora\.warmup"):
        SCHEMA.find("warmup", where="--set warmup")


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'lerning_rate'.*'optimizer\.learning_rate'"):
        SCHEMA.find("lerning_rate", where="x")


def test_strict_is_frozen_and_closed() -> None:
    with pytest.raises(ValidationError):
        Lora(rnk=3)  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Lora().rank = 3  # type: ignore[misc]
