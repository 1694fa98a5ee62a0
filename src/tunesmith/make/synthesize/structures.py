"""Plain data as JSON, YAML and XML, and back, without losing a type: what format conversion is checked with.

YAML readers disagree on what `no`, `010`, `1:30` or `00123842` is; a text that any of them would take for something
else is quoted. XML has no types, so elements carry one (`type="int"`) wherever they would be read as text; a list's
items are `item` elements.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

import yaml

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.yaml_strict import read_yaml

MAX_CHARACTERS = 20_000
MAX_DEPTH = 20
_XML_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_XML_CHARACTERS = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


# Numbers, booleans and nulls of YAML 1.1 and 1.2, dates and sexagesimal times, generously.
_NOT_TEXT = re.compile(r"[-+]?[\d._:][\w.:+,-]*|y|n|yes|no|on|off|true|false|null|nan|~|", re.I)


class _Dumper(yaml.SafeDumper):
    pass


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "'" if _NOT_TEXT.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style if text.isprintable() else '"')


_Dumper.add_representer(str, _text_node)


def to_json(data: Any) -> str:
    """Return the data as JSON, indented by two."""
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False)


def from_json(text: str) -> Any:
    """Return the data of a JSON text.

    Raises:
        DataError: not JSON, NaN, or a key twice in one object.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a key stands twice in one object")
        return dict(pairs)

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise DataError("is not JSON", why=str(error)) from error


def to_yaml(data: Mapping[str, Any]) -> str:
    """Return the data as YAML that every reader takes alike."""
    return str(yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)).rstrip("\n")


def from_yaml(text: str) -> Any:
    """Return the data of a YAML text; raises ConfigError when it is not YAML."""
    return read_yaml(text, where="yaml").values


def to_xml(data: Mapping[str, Any]) -> str:
    """Return the data as XML under the root element `data`.

    Raises:
        DataError: a key is no XML name, or a text holds a character that XML has no way to write.
    """
    return "\n".join(_element("data", data, ""))


def _element(name: str, value: Any, indent: str) -> list[str]:
    if not _XML_NAME.fullmatch(name):
        raise DataError(f"{name!r} is not an XML name")
    if isinstance(value, dict):
        inner = [line for key, item in value.items() for line in _element(str(key), item, indent + "  ")]
        return _block(indent, f'{name} type="object"' if not value else name, name, inner)
    if isinstance(value, list):
        inner = [line for item in value for line in _element("item", item, indent + "  ")]
        return _block(indent, f'{name} type="list"', name, inner)
    text, kind = _scalar(value)
    if not _XML_CHARACTERS.fullmatch(text) or "\r" in text:
        raise DataError("holds a character that XML cannot write")
    opening = f"{name} type={quoteattr(kind)}" if kind else name
    return [f"{indent}<{opening}>{escape(text)}</{name}>"]


def _block(indent: str, opening: str, name: str, inner: list[str]) -> list[str]:
    return [f"{indent}<{opening}>", *inner, f"{indent}</{name}>"] if inner else [f"{indent}<{opening}></{name}>"]


def _scalar(value: Any) -> tuple[str, str]:
    """Return a value's text and its type's name; text has none."""
    if value is None:
        return "", "null"
    if isinstance(value, bool):
        return ("true" if value else "false"), "bool"
    if isinstance(value, int):
        return str(value), "int"
    if isinstance(value, float):
        return repr(value), "float"
    return str(value), ""


_READ: Mapping[str, Callable[[str], Any]] = {
    "null": lambda _: None,
    "bool": lambda text: text == "true",
    "int": int,
    "float": float,
}


def from_xml(text: str) -> Any:
    """Return the data of an XML text that `to_xml` wrote.

    Raises:
        DataError: not such XML; a document type (and with it every entity bomb) is refused.
    """
    if len(text) > MAX_CHARACTERS * 4 or "<!" in text or "<?" in text:
        raise DataError("is not plain XML", why="too long, or with a declaration")
    try:
        return _value(ET.fromstring(text))
    except (ET.ParseError, ValueError, KeyError, RecursionError) as error:
        raise DataError("is not XML", why=str(error)) from error


def _value(element: ET.Element) -> Any:
    kind = element.get("type", "")
    if kind == "list":
        return [_value(child) for child in element]
    if kind == "object" or len(element):
        return {child.tag: _value(child) for child in element}
    return _READ[kind](element.text or "") if kind else (element.text or "")


Codec = tuple[Callable[[Any], str], Callable[[str], Any]]
CODECS: Mapping[str, Codec] = {"JSON": (to_json, from_json), "YAML": (to_yaml, from_yaml), "XML": (to_xml, from_xml)}


def exact_text(data: Any, name: str) -> str:
    """Return the data in a format from which it comes back equal, type by type; an empty text if that cannot be."""
    if not isinstance(data, dict) or not data or _depth(data) > MAX_DEPTH:
        return ""
    write, read = CODECS[name]
    # A format that has no way to write the data is one format less, and no failure.
    with suppress(DataError, ConfigError, ValueError):
        text = write(data)
        if len(text) <= MAX_CHARACTERS and same(read(text), data):
            return text
    return ""


def exact_texts(data: Any) -> dict[str, str]:
    """Return the data in every format from which it comes back equal."""
    return {name: text for name in CODECS if (text := exact_text(data, name))}


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal with their types and the order of their keys: `1`, `1.0`, `True` differ."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return bool(one == other)


def _depth(data: Any) -> int:
    deepest, waiting = 0, [(data, 1)]
    while waiting:
        value, level = waiting.pop()
        deepest = max(deepest, level)
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting += [(child, level + 1) for child in children if level <= MAX_DEPTH]
    return deepest
