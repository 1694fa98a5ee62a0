from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, model_validator

from tunesmith.core.config import Resolved, Strict, print_config, resolve, to_yaml
from tunesmith.core.errors import ConfigError


class Optimizer(Strict):
    learning_rate: float = 1e-4
    warmup_steps: int = Field(default=0, ge=0)


class Lora(Strict):
    rank: int = 8


class Engine(BaseModel):
    precision: Literal["fp32", "bf16"] = "fp32"
    lora: Lora | None = None
    every: int = 10

    @model_validator(mode="after")
    def _every_is_positive(self) -> Self:
        if self.every < 1:
            raise ConfigError("must be at least 1", where="engine.every")
        return self


class Config(Strict):
    model: Path = Path("desk")
    data: tuple[Path, ...] = ()
    name: str | None = None
    mode: Literal["constant", "cosine"] = "cosine"
    optimizer: Optimizer = Optimizer()
    lora: Lora | None = None
    loss_coefs: dict[str, float] = Field(default_factory=dict)
    seed: int = 0
    packed: bool = True
    engine: Engine = Engine()

    @model_validator(mode="after")
    def _seed_is_even(self) -> Self:
        if self.seed % 2:
            raise ValueError("seed must be even")
        return self


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return path


def test_defaults_alone() -> None:
    resolved = resolve(Config)
    assert resolved.config == Config()
    assert set(resolved.origins.values()) == {"default"}
    assert "lora" in resolved.origins and "lora.rank" not in resolved.origins


def test_flag_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = write(tmp_path, "seed: 2\nname: file\nmode: constant\n")
    env = {"TUNESMITH__SEED": "4", "TUNESMITH__NAME": "env", "TUNESMITH_OTHER": "1", "PATH": "x"}
    resolved = resolve(Config, file=file, env=env, flags={"seed": 6, "name": None})
    assert (resolved.config.seed, resolved.config.name, resolved.config.mode) == (6, "env", "constant")
    assert resolved.origins["seed"] == "--seed"
    assert resolved.origins["name"] == "TUNESMITH__NAME"
    assert resolved.origins["mode"] == f"{file}:3"
    assert resolved.origins["packed"] == "default"


def test_nested_keys_from_every_place(tmp_path: Path) -> None:
    file = write(tmp_path, "optimizer:\n  learning_rate: 1e-5\n")
    resolved = resolve(Config, file=file, env={"TUNESMITH__OPTIMIZER__WARMUP_STEPS": "3"}, sets=["lora.rank=4"])
    assert resolved.config.optimizer == Optimizer(learning_rate=1e-5, warmup_steps=3)
    assert resolved.config.lora == Lora(rank=4)
    assert resolved.origins["optimizer.learning_rate"] == f"{file}:2"


def test_any_pydantic_class_is_a_group(tmp_path: Path) -> None:
    file = write(tmp_path, "engine: {precision: bf16}\n")
    resolved = resolve(Config, file=file, sets=["every=5"])
    assert resolved.config.engine == Engine(precision="bf16", every=5)
    assert resolved.origins["engine.every"] == "--set every"
    assert resolve(Config, file=write(tmp_path, to_yaml(resolved.config))).config == resolved.config
    with pytest.raises(ConfigError, match=r"unknown key 'engine\.evry'.*engine\.every"):
        resolve(Config, sets=["engine.evry=5"])
    with pytest.raises(ConfigError, match=r'^--set every: engine\.every = "x" must be a whole number$'):
        resolve(Config, sets=["every=x"])
    with pytest.raises(ConfigError, match=r"engine\.every: must be at least 1"):
        resolve(Config, sets=["every=0"])


def test_set_takes_a_unique_last_part() -> None:
    assert resolve(Config, sets=["warmup_steps=7"]).config.optimizer.warmup_steps == 7


def test_free_keys_of_a_mapping_merge(tmp_path: Path) -> None:
    resolved = resolve(Config, file=write(tmp_path, "loss_coefs: {sft: 1, ptx: 2}\n"), sets=["loss_coefs.ptx=27.8"])
    assert resolved.config.loss_coefs == {"sft": 1.0, "ptx": 27.8}


def test_a_group_can_be_switched_off_and_a_key_switches_it_on(tmp_path: Path) -> None:
    file = write(tmp_path, "lora: {rank: 4}\n")
    assert resolve(Config, file=file, sets=["lora=null"]).config.lora is None
    off = write(tmp_path, "lora: null\n")
    assert resolve(Config, file=off, sets=["lora.rank=2"]).config.lora == Lora(rank=2)


class Stage(Strict):
    optimizer: Optimizer = Optimizer(learning_rate=5e-5, warmup_steps=7)


class Loop(Strict):
    """A configuration whose groups have defaults of their own, which are not those of their classes."""

    sft: Stage = Stage(optimizer=Optimizer(learning_rate=2e-3, warmup_steps=20))
    ppo: Stage = Stage()
    extra: Stage | None = None


def test_a_key_of_a_group_leaves_the_rest_of_the_groups_own_default(tmp_path: Path) -> None:
    file = write(tmp_path, "sft: {optimizer: {learning_rate: 1e-3}}\n")
    resolved = resolve(Loop, file=file, sets=["ppo.optimizer.learning_rate=1", "extra.optimizer.warmup_steps=3"])
    assert resolved.config.sft.optimizer == Optimizer(learning_rate=1e-3, warmup_steps=20)
    assert resolved.config.ppo.optimizer == Optimizer(learning_rate=1, warmup_steps=7)
    assert resolved.config.extra == Stage(optimizer=Optimizer(learning_rate=5e-5, warmup_steps=3))
    assert resolved.origins["sft.optimizer.warmup_steps"] == "default"


def test_text_keys_keep_numbers_as_text() -> None:
    assert resolve(Config, sets=["name=007"]).config.name == "007"
    assert resolve(Config, sets=["name=null"]).config.name is None
    assert resolve(Config, env={"TUNESMITH__MODEL": "1"}).config.model == Path("1")


def test_a_file_for_several_stages(tmp_path: Path) -> None:
    file = write(tmp_path, "stages:\n  sft:\n    seed: 2\n  ppo:\n    anything: goes\n")
    resolved = resolve(Config, file=file, stage="sft")
    assert resolved.config.seed == 2 and resolved.origins["seed"] == f"{file}:3"
    assert resolve(Config, file=file, stage="dpo").config == Config()
    with pytest.raises(ConfigError, match=r"c\.yaml:5: unknown key 'anything'"):
        resolve(Config, file=file, stage="ppo")
    with pytest.raises(ConfigError, match="unknown key 'stages'"):
        resolve(Config, file=file)
    assert resolve(Config, file=write(tmp_path, "stages:\n  # sft:\n"), stage="sft").config == Config()
    mixed = write(tmp_path, "seed: 2\nstages:\n  sft: {}\n")
    with pytest.raises(ConfigError, match=r"c\.yaml:1: unknown key 'seed' beside `stages`"):
        resolve(Config, file=mixed, stage="sft")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"sets": ["sead=2"]}, r"^--set sead: unknown key 'sead'\. Did you mean 'seed'\?$"),
    ({"sets": ["seed"]}, "--set seed: must be written key=value"),
    ({"sets": ["=3"]}, "must be written key=value"),
    ({"sets": ["seed=2", "seed=4"]}, "'seed' is given twice"),
    ({"sets": ["seed=2"], "flags": {"seed": 4}}, "'seed' is given twice .also by --seed"),
    ({"flags": {"reward_model": "x"}}, "--reward-model: this command takes no such flag"),
    ({"sets": ["seed=2.0"]}, r"--set seed: seed = 2\.0 must be a whole number\. Write 2"),
    ({"sets": ["seed=true"]}, "seed = true must be a whole number"),
    ({"sets": ["seed=abc"]}, 'seed = "abc" must be a whole number'),
    ({"sets": ["packed=yes"]}, 'packed = "yes" must be true or false'),
    ({"sets": ["packed=1"]}, "packed = 1 must be true or false"),
    ({"sets": ["mode=linear"]}, "mode = \"linear\" must be 'constant' or 'cosine'"),
    ({"sets": ["warmup_steps=-1"]}, r"optimizer\.warmup_steps = -1 must be greater than or equal to 0"),
    ({"sets": ["data=a.jsonl"]}, r"data = \"a.jsonl\" must be a list, written \[a, b\]"),
    ({"sets": ["data=[a"]}, "--set data: .*is not valid"),
    ({"sets": ["optimizer=3"]}, "optimizer = 3 must be"),
    ({"sets": ["optimizer={lr: 3}"]}, r"unknown key 'optimizer\.lr'"),
    ({"sets": ["seed=3"]}, "seed must be even"),
    ({"env": {"TUNESMITH__SEAD": "1"}}, "TUNESMITH__SEAD: unknown key 'sead'"),
    ({"env": {"TUNESMITH__SEED": "x"}}, '^TUNESMITH__SEED: seed = "x" must be'),
    ({"sets": ["seed=x", "packed=x"]}, "also wrong: packed"),
]


@pytest.mark.parametrize(("given_", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_input_says_where_what_and_why(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        resolve(Config, **given_)
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 2\noptimizer:\n  lerning_rate: 1\n", r"c\.yaml:3: unknown key 'optimizer.lerning_rate'.*learning_rate"),
        ("optimizer:\n  learning_rate: fast\n", r"c\.yaml:2:optimizer.learning_rate: .*\"fast\" must be a number"),
        ("seed: 2\nseed: 4\n", r"c\.yaml:2: key 'seed' is given twice"),
        ("data: [1]\n", r"c\.yaml:1:data"),
    ],
)
def test_bad_files_name_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(Config, file=write(tmp_path, text))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot read the configuration file"):
        resolve(Config, file=tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        resolve(Config, file=tmp_path / "latin.yaml")


def test_a_missing_value_says_how_to_give_it() -> None:
    class Needs(Strict):
        out: Path
        optimizer: Optimizer

    with pytest.raises(ConfigError, match=r"'out' is missing .*optimizer.*Give it with --out or --set out=\.\.\."):
        resolve(Needs)


def test_print_config_names_each_origin(tmp_path: Path) -> None:
    file = write(tmp_path, "optimizer:\n  learning_rate: 1e-5\nloss_coefs: {ptx: 2}\n")
    text = print_config(resolve(Config, file=file, sets=["name=007"]))
    assert "optimizer:\n  learning_rate: 1.0e-05  # " in text
    assert f"# {file}:2\n" in text
    assert "name: '007'  # --set name\n" in text
    assert "seed: 0  # default\n" in text
    assert "lora: null  # default\n" in text


def test_printed_config_is_a_config(tmp_path: Path) -> None:
    resolved = resolve(Config, sets=["name='a # b'", "lora.rank=3", "data=[x, y]", "loss_coefs.a=1"])
    text = print_config(resolved)
    assert resolve(Config, file=write(tmp_path, text)).config == resolved.config
    assert "  precision: fp32  # default\n  lora: null  # default\n  every: 10  # default\n" in text


configs = st.builds(
    Config,
    name=st.none() | st.text(max_size=10) | st.sampled_from(["1e-5", "no", "null", "true"]),
    optimizer=st.builds(Optimizer, learning_rate=st.floats(allow_nan=False), warmup_steps=st.integers(0, 9)),
    lora=st.none() | st.builds(Lora, rank=st.integers()),
    loss_coefs=st.dictionaries(st.from_regex(r"[a-z]{1,4}", fullmatch=True), st.floats(allow_nan=False), max_size=2),
    seed=st.integers().map(lambda n: 2 * n),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(config=configs)
def test_to_yaml_reads_back_to_an_equal_config(tmp_path_factory: pytest.TempPathFactory, config: Config) -> None:
    file = tmp_path_factory.mktemp("config") / "c.yaml"
    file.write_text(to_yaml(config), encoding="utf-8")
    resolved: Resolved[Config] = resolve(Config, file=file)
    assert resolved.config == config
