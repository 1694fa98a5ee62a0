"""YAML without its traps.

What differs from PyYAML's safe loader: a key given twice is an error with both lines; `1e-5` is a number; only `true`
and `false` are booleans (`no`, `on`, `yes` stay text); `010` and `1:30` are text, not 8 and 90; dates stay text; there
is no `<<` merge; tags other than the plain ones are refused; size, depth and expansion through aliases are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from tunesmith.core.errors import ConfigError

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 50
MAX_NODES = 50_000
_TAG = "tag:yaml.org,2002:"
_NULL = re.compile(r"^(?:null|~|)$")
_BOOL = re.compile(r"^(?:true|false)$")
_INT = re.compile(r"^[-+]?(?:0|[1-9](?:_?[0-9])*)$")
_FLOAT = re.compile(
    r"^[-+]?(?:(?:0|[1-9](?:_?[0-9])*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf))$"
    r"|^\.(?:nan|NaN)$"
)
_SCALARS = (("null", _NULL), ("bool", _BOOL), ("int", _INT), ("float", _FLOAT))


class YamlFile(NamedTuple):
    """What a YAML text holds: nested plain values, and the line (from 1) of each dotted key."""

    values: dict[str, Any]
    lines: dict[str, int]


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 (PyYAML's own class attribute; filled below)


class _Dumper(yaml.SafeDumper):
    pass


for _name, _pattern in _SCALARS:
    _Loader.add_implicit_resolver(_TAG + _name, _pattern, None)


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML's plain, single-quoted and folded styles lose line separators other than \n.
    return dumper.represent_scalar(_TAG + "str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _text_node)
# The dumper quotes what either reader, PyYAML's or ours, would take for something else than text.
_Dumper.add_implicit_resolver(_TAG + "float", _FLOAT, None)


def scalar(text: str) -> Any:
    """Return a command-line or environment value: a number, true, false, null, a flow list or mapping, or the text.

    Raises:
        ConfigError: the text begins like a list, a mapping or a quotation and is not one.
    """
    stripped = text.strip()
    if stripped[:1] in ("[", "{", '"', "'"):
        return _read(stripped, where="value").values["value"]
    for name, pattern in _SCALARS:
        if pattern.match(stripped):
            return _convert(name, stripped)
    return text


def _read(flow: str, *, where: str) -> YamlFile:
    return read_yaml(f"value: {flow}", where=where)


def read_yaml(text: str, *, where: str) -> YamlFile:
    """Return the mapping that a YAML text holds; an empty text holds an empty one.

    Raises:
        ConfigError: not YAML, not a mapping, a key given twice, an unknown tag, or beyond the bounds; names the line.
    """
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(f"is longer than {MAX_CHARACTERS:,} characters", where=where)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError("is not valid YAML", where=where + line, why=str(error.problem or error.context)) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError("is not valid YAML", where=where, why=str(error).splitlines()[0]) from error
    if node is None:
        return YamlFile({}, {})
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError("must hold `key: value` lines", where=f"{where}:{node.start_mark.line + 1}")
    builder = _Builder(where)
    return YamlFile(builder.mapping(node, "", 1), builder.lines)


def write_yaml(values: Mapping[str, Any]) -> str:
    """Return YAML text that `read_yaml` reads back to equal values; keys keep their order."""
    text = yaml.dump(dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return str(text)


class _Builder:
    """Turns composed nodes into plain values, remembering lines and counting what aliases expand to."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.lines: dict[str, int] = {}
        self.nodes = 0

    def value(self, node: yaml.Node, path: str, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise self.error(node, f"is nested deeper than {MAX_DEPTH} or expands to more than {MAX_NODES:,} values")
        name = str(node.tag).removeprefix(_TAG)
        if isinstance(node, yaml.MappingNode) and name == "map":
            return self.mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode) and name == "seq":
            return [self.value(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value)]
        try:
            return _convert(name, node.value)
        except ValueError as error:
            raise self.error(node, f"{path}: {error}") from error

    def mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Any]:
        body: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.error(key_node, "a key must be a name")
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in first:
                raise self.error(
                    key_node, f"key {key!r} is given twice, first in line {first[key]}", "keep one of them"
                )
            inner = f"{path}.{key}" if path else key
            first[key] = self.lines[inner] = line
            body[key] = self.value(value_node, inner, depth + 1)
        return body

    def error(self, node: yaml.Node, what: str, remedy: str = "") -> ConfigError:
        return ConfigError(what, where=f"{self.where}:{node.start_mark.line + 1}", remedy=remedy)


def _convert(name: str, text: Any) -> Any:
    if not isinstance(text, str):
        raise ValueError(f"tag {name!r} is not understood")
    match name:
        case "str":
            return text
        case "null":
            return None
        case "bool" if _BOOL.match(text):
            return text == "true"
        case "int" if _INT.match(text):
            return int(text)
        case "float" if _FLOAT.match(text) or _INT.match(text):
            return float(
                text.replace(".inf", "inf").replace(".Inf", "inf").replace(".nan", "nan").replace(".NaN", "nan")
            )
    raise ValueError(f"{text!r} with tag {name!r} is not understood")
