from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.core.errors import DataError
from tunesmith.make.synthesize.structures import CODECS, exact_texts, from_json, from_xml, same, to_xml, to_yaml

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
TRAPS = st.sampled_from(
    [
        "no",
        "on",
        "010",
        "1:30",
        "00123842",
        "1e5",
        "~",
        "",
        " x ",
        "null",
        "0x1f",
        "2020-01-01",
        "a: b",
        "#",
        "<&>",
        "'",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TRAPS
    | st.text(max_size=12)
)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(NAMES, v, max_size=3), max_leaves=8)


@settings(max_examples=200, deadline=None)
@given(data=st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_what_is_written_comes_back_type_by_type(data: dict[str, Any]) -> None:
    texts = exact_texts(data)
    assert "JSON" in texts
    for name, text in texts.items():
        assert same(CODECS[name][1](text), data)
    assert same(json.loads(texts["JSON"]), data)


@settings(max_examples=200, deadline=None)
@given(text=TRAPS | st.from_regex(r"[-+]?[0-9._:]{1,8}", fullmatch=True))
def test_other_yaml_readers_take_text_for_text(text: str) -> None:
    written = to_yaml({"k": text})
    assert yaml.safe_load(written) == {"k": text}
    if text and text.replace("_", "").isdigit():  # YAML 1.2 would read a bare number of digits
        assert "'" in written or '"' in written


def test_by_hand() -> None:
    data = {"n": 1, "t": "1", "x": [True, None, {}], "o": {"a": 1.5}}
    assert to_xml(data).splitlines() == [
        "<data>",
        '  <n type="int">1</n>',
        "  <t>1</t>",
        '  <x type="list">',
        '    <item type="bool">true</item>',
        '    <item type="null"></item>',
        '    <item type="object"></item>',
        "  </x>",
        "  <o>",
        '    <a type="float">1.5</a>',
        "  </o>",
        "</data>",
    ]


@pytest.mark.parametrize(
    "pair", [(1, True), (1, 1.0), (0.0, -0.0), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ([1], [1, 2])]
)
def test_what_is_not_the_same(pair: tuple[Any, Any]) -> None:
    assert not same(*pair) and same(pair[0], pair[0])


def test_formats_that_cannot_hold_the_data_are_left_out() -> None:
    assert "XML" not in exact_texts({"two words": 1}) and "JSON" in exact_texts({"two words": 1})
    assert exact_texts({}) == {} and exact_texts([1]) == {} and exact_texts({"a": float("nan")}) == {}
    deep: Any = 1
    for _ in range(40):
        deep = {"a": deep}
    assert exact_texts(deep) == {}


@pytest.mark.parametrize(
    "text", ['<!DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>', "<?xml version='1.0'?><d/>", "<d>", "<d type='int'>x</d>"]
)
def test_bombs_and_damage_are_refused(text: str) -> None:
    with pytest.raises(DataError):
        from_xml(text)
    with pytest.raises(DataError):
        from_json('{"a": 1, "a": 2}')
