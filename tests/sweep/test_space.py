from __future__ import annotations

import pytest

from tunesmith.core.config_schema import schema_of
from tunesmith.core.errors import ConfigError
from tunesmith.recipes.sft import Config
from tunesmith.sweep.space import Choices, Range, parse_space

SCHEMA = schema_of(Config)
RATE = "engine.optimizer.learning_rate"


def test_ranges_and_values_by_full_or_last_name() -> None:
    space = parse_space(
        {
            "learning_rate": "log:1e-5..1e-3",
            "max_steps": "500..1500/250",
            "weight_decay": "0..0.1",
            "global_batch_size": "2,4,8",
            "engine.optimizer.kind": "adamw,muon",
            "lora.rank": [4, 8],
        },
        SCHEMA,
    )
    assert space == [
        Range(RATE, 1e-5, 1e-3, whole=False, log=True),
        Range("max_steps", 500, 1500, whole=True, step=250),
        Range("engine.optimizer.weight_decay", 0, 0.1, whole=False),
        Choices("global_batch_size", (2, 4, 8)),
        Choices("engine.optimizer.kind", ("adamw", "muon")),
        Choices("lora.rank", (4, 8)),
    ]


@pytest.mark.parametrize(
    ("text", "grid"),
    [
        ("log:1e-5..1e-3:3", [1e-5, 1e-4, 1e-3]),
        ("0.1..0.5/0.2", [0.1, 0.3, 0.5]),
        ("0.1..0.6/0.2", [0.1, 0.3, 0.5]),
        ("1..2:3", [1.0, 1.5, 2.0]),
        ("3e-4,1e-4", [3e-4, 1e-4]),
    ],
)
def test_a_grid_is_exact(text: str, grid: list[float]) -> None:
    assert parse_space({RATE: text}, SCHEMA)[0].grid() == grid


def test_a_grid_of_whole_numbers_repeats_none() -> None:
    assert parse_space({"max_steps": "1..3"}, SCHEMA)[0].grid() == [1, 2, 3]
    assert parse_space({"max_steps": "log:1..4:9"}, SCHEMA)[0].grid() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ({}, "nothing to vary"),
        ({"learning_rat": "1..2"}, "Did you mean"),
        ({"learning_rate": "1e-3..1e-5"}, "LOW below HIGH"),
        ({"learning_rate": "log:0..1"}, "begin above 0"),
        ({"learning_rate": "log:1e-5..1/0.1"}, "no step"),
        ({"learning_rate": "0..1/3"}, "fit into the range"),
        ({"learning_rate": "a..b"}, "is not a range"),
        ({"global_batch_size": "2.5..8"}, "has fractions"),
        ({"global_batch_size": "2,2"}, "given twice"),
        ({"global_batch_size": "2,,4"}, "empty value"),
        ({"engine": "1..2"}, "group of keys"),
        ({"learning_rate": "1..2", RATE: "1..2"}, "varied twice"),
    ],
)
def test_what_is_wrong_is_named(over: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_space(over, SCHEMA)


def test_a_range_without_points_has_no_grid() -> None:
    with pytest.raises(ConfigError, match="a grid needs points"):
        parse_space({RATE: "log:1e-5..1e-3"}, SCHEMA)[0].grid()


def test_values_of_any_kind_survive_the_study() -> None:
    choices = Choices("data", (["a"], ["a", "b"], True, 1, None))
    assert [choices.value_of(choices.stored(v)) for v in choices.values] == [["a"], ["a", "b"], True, 1, None]
    assert choices.value_of(True) is True and choices.value_of(1) == 1 and choices.value_of(1) is not True
