from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core import yaml_strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.yaml_strict import read_yaml, scalar, write_yaml


def values(text: str) -> dict[str, Any]:
    return read_yaml(text, where="c.yaml").values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-5", 1e-5),
        ("1E5", 1e5),
        ("-2.5e+3", -2500.0),
        (".5", 0.5),
        ("3.", 3.0),
        ("1_000", 1000),
        ("-7", -7),
        ("0", 0),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        (".inf", math.inf),
        ("-.inf", -math.inf),
    ],
)
def test_plain_scalars(text: str, expected: object) -> None:
    got = values(f"a: {text}")["a"]
    assert got == expected and type(got) is type(expected)


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "y", "True", "010", "1:30", "2024-01-01", "0x1f", "1e", "1_"]
)
def test_what_yaml_would_guess_stays_text(text: str) -> None:
    assert values(f"a: {text}")["a"] == text


def test_quoted_numbers_stay_text() -> None:
    assert values("a: '1e-5'\nb: \"true\"") == {"a": "1e-5", "b": "true"}


def test_key_given_twice_is_refused_with_both_lines() -> None:
    with pytest.raises(ConfigError, match=r"^c\.yaml:3: key 'lr' is given twice, first in line 1"):
        values("lr: 1\nseed: 2\nlr: 3\n")
    with pytest.raises(ConfigError, match=r"c\.yaml:3: key 'lr' is given twice"):
        values("opt:\n  lr: 1\n  lr: 3\n")


def test_lines_of_nested_keys() -> None:
    assert read_yaml("a: 1\nb:\n  c: 2\n\n  d: [1, 2]\n", where="c.yaml").lines == {"a": 1, "b": 2, "b.c": 3, "b.d": 5}


def test_empty_text_is_an_empty_mapping() -> None:
    assert values("") == {} and values("# only a comment\n") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "c.yaml:1: must hold `key: value` lines"),
        ("a: [1, 2\n", "c.yaml:2: is not valid YAML"),
        ("a: 1\n\tb: 2\n", "c.yaml:2: is not valid YAML"),
        ("a: 1\n---\nb: 2\n", "c.yaml:2: is not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "c.yaml:1: a: tag .* is not understood"),
        ("a: !!timestamp 2024-01-01\n", "is not understood"),
        ("a: !!int x\n", "c.yaml:1: a: 'x' with tag 'int' is not understood"),
        ("? [a, b]\n: 1\n", "c.yaml:1: a key must be a name"),
        ("a: \x00\n", "c.yaml: is not valid YAML"),
        ("a: " + "[" * 60 + "]" * 60, "nested deeper than 50"),
        ("a: " + "[" * 600, "c.yaml.* is not valid YAML"),
        ("a: &x [*x]\n", "nested deeper than 50"),
        ("a: " + "x" * 1_000_001, "longer than 1,000,000 characters"),
    ],
)
def test_refusals_name_the_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        values(text)


def test_aliases_that_explode_are_refused() -> None:
    bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdef", "bcdefg", strict=True)
    )
    with pytest.raises(ConfigError, match="expands to more than"):
        values(bomb)


def test_a_few_aliases_are_fine() -> None:
    assert values("a: &x {b: 1}\nc: *x\n") == {"a": {"b": 1}, "c": {"b": 1}}


def test_there_is_no_merge_key() -> None:
    assert values("a: &x {b: 1}\nc:\n  <<: *x\n")["c"] == {"<<": {"b": 1}}


def test_command_line_values() -> None:
    assert scalar("1e-5") == 1e-5
    assert scalar("[1, b]") == [1, "b"]
    assert scalar("{a: 1}") == {"a": 1}
    assert scalar("'7'") == "7"
    assert scalar("a: b #c") == "a: b #c"
    assert scalar("") is None
    with pytest.raises(ConfigError):
        scalar("[1, 2")


texts = st.text(max_size=12) | st.sampled_from(
    ["1e-5", "yes", "no", "null", "true", "010", "1_000", ".inf", "~", "=", "1:30", "\x85", "a\u2028b", "a\r\n b"]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z]\w{0,5}", fullmatch=True), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), trees, max_size=4))
def test_what_is_written_is_read_back(tree: dict[str, Any]) -> None:
    assert values(write_yaml(tree)) == tree


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from("abc"), texts, max_size=3))
def test_other_readers_see_the_same_text(tree: dict[str, str]) -> None:
    assert yaml.safe_load(write_yaml(tree)) == tree


def test_the_loader_leaves_pyyaml_alone() -> None:
    assert yaml_strict._Loader.yaml_implicit_resolvers is not yaml.SafeLoader.yaml_implicit_resolvers
    assert yaml.safe_load("a: yes")["a"] is True
