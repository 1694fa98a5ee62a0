"""One configuration from four places: flag > environment > file > default, and where each value came from.

Values are checked in pydantic's strict JSON mode: a number is never text, `1.0` is never a count, 1 is never `true`;
a path may be written as text and a tuple as a list. pydantic's own errors are turned into `ConfigError`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from tunesmith.core.config_schema import Schema, Strict, schema_of
from tunesmith.core.errors import ConfigError
from tunesmith.core.yaml_strict import read_yaml, scalar, write_yaml

__all__ = ["ENVIRONMENT_PREFIX", "Resolved", "Strict", "default_text", "print_config", "resolve", "to_yaml"]

ENVIRONMENT_PREFIX = "TUNESMITH__"
C = TypeVar("C", bound=Strict)
_WORDS = {
    "must be": "Input should be",
    "": "Value error, ",
    "true or false": "a valid boolean",
    "a whole number": "a valid integer",
    "a number": "a valid number",
    "text": "a valid string",
    "a list, written [a, b]": "a valid array",
}


@dataclass(frozen=True, slots=True)
class Resolved(Generic[C]):
    """A configuration; `origins` says for each dotted key where its value came from.

    An origin is `default`, `file:line`, the name of a variable, or a flag.
    """

    config: C
    origins: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Given:
    value: Any
    origin: str


def resolve(
    model_cls: type[C],
    *,
    file: Path | None = None,
    sets: Sequence[str] = (),
    flags: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    stage: str | None = None,
) -> Resolved[C]:
    """Return the configuration from a YAML file, `TUNESMITH__A__B` variables, flags and `a.b=c` texts.

    `flags` maps a dotted key to its value, None meaning not given; they rank with `sets`, and a key given by both is an
    error. A file with a top-level `stages` mapping serves several stages: only `stages.<stage>` is read from it.

    Raises:
        ConfigError: a key is unknown, ambiguous, missing or given twice, or a value is not allowed.
    """
    schema = schema_of(model_cls)
    given: dict[str, _Given] = {}
    if file is not None:
        _merge(given, _from_file(file, schema, stage))
    _merge(given, _from_environment(env or {}, schema))
    _merge(given, _from_flags(flags or {}, sets, schema))
    try:
        tree = _over_default(None, model_cls, _nest(given), "", schema)
        config = model_cls.model_validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        raise _explain(error, given, schema) from error
    return Resolved(config, _origins(config, given, schema))


def to_yaml(config: Strict) -> str:
    """Return the configuration as YAML text that `resolve` reads back to an equal one."""
    return write_yaml(config.model_dump(mode="json"))


def print_config(resolved: Resolved[C]) -> str:
    """Return the configuration as YAML lines, each with the origin of its value as a comment."""
    lines: list[str] = []
    printed: set[str] = set()
    values = resolved.config.model_dump(mode="json")
    for path, origin in resolved.origins.items():
        *parents, name = path.split(".")
        for level, parent in enumerate(parents):
            group = ".".join(parents[: level + 1])
            if group not in printed:
                printed.add(group)
                lines.append("  " * level + f"{parent}:")
        value = _value_at(values, path)
        lines.append("  " * len(parents) + f"{name}: {_flow_text(value)}  # {origin}")
    return "\n".join(lines) + "\n"


def default_text(info: FieldInfo) -> str:
    """Return a field's default as it would be written in a YAML file, on one line."""
    return _flow_text(to_jsonable_python(info.get_default(call_default_factory=True)))


def _flow_text(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    text = write_yaml({"v": value}).removeprefix("v:").strip()
    return text if "\n" not in text else json.dumps(value, ensure_ascii=False)


# --- the three places ---------------------------------------------------------------------------------------------


def _from_file(file: Path, schema: Schema, stage: str | None) -> Iterator[tuple[str, _Given]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else (error.strerror or str(error))
        raise ConfigError("cannot read the configuration file", where=str(file), why=why) from error
    values, lines = read_yaml(text, where=str(file))
    prefix = ""
    stages = values.get("stages", ...)
    if stage is not None and isinstance(stages, dict | None) and not schema.knows("stages"):
        extra = [key for key in values if key != "stages"]
        if extra:
            place = f"{file}:{lines[extra[0]]}"
            raise ConfigError(f"unknown key {extra[0]!r} beside `stages`", where=place, remedy="put it under its stage")
        values, prefix = (stages or {}).get(stage) or {}, f"stages.{stage}."
    if not isinstance(values, dict):
        raise ConfigError("must hold `key: value` lines", where=f"{file}:{lines[prefix[:-1]]}")

    def place_of(path: str) -> str:
        return f"{file}:{lines.get(prefix + path, 1)}"

    for key, value in values.items():
        for path, leaf in _flatten(key, value, schema, place_of):
            yield path, _Given(leaf, place_of(path))


def _from_environment(env: Mapping[str, str], schema: Schema) -> Iterator[tuple[str, _Given]]:
    for name in sorted(env):
        if name.startswith(ENVIRONMENT_PREFIX):
            path = schema.find(name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", "."), where=name)
            yield from _parsed(path, env[name], schema, name)


def _from_flags(flags: Mapping[str, Any], sets: Sequence[str], schema: Schema) -> Iterator[tuple[str, _Given]]:
    seen: dict[str, str] = {}
    for name, value in flags.items():
        if value is not None:
            flag = f"--{name.replace('_', '-')}"
            if not schema.knows(name):
                raise ConfigError("this command takes no such flag", where=flag)
            seen[name] = flag
            yield name, _Given(value, flag)
    for text in sets:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ConfigError("must be written key=value", where=f"--set {text}")
        origin = f"--set {name.strip()}"
        path = schema.find(name.strip(), where=origin)
        if path in seen:
            raise ConfigError(f"{path!r} is given twice", where=origin, why=f"also by {seen[path]}", remedy="keep one")
        seen[path] = origin
        yield from _parsed(path, value, schema, origin)


def _parsed(path: str, text: str, schema: Schema, origin: str) -> Iterator[tuple[str, _Given]]:
    """Yield a value that was given as text; a key that only holds text keeps it as it stands."""
    try:
        value = text if path in schema.texts and scalar(text) is not None else scalar(text)
    except ConfigError as error:
        raise ConfigError(f"{path} = {text!r} is not valid", where=origin, why=error.why or error.what) from error
    for leaf, item in _flatten(path, value, schema, lambda _: origin):
        yield leaf, _Given(item, origin)


def _flatten(path: str, value: Any, schema: Schema, place_of: Any) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a nested value, refusing keys that the schema does not know."""
    if not schema.knows(path):
        raise schema.unknown(path, where=place_of(path))
    if isinstance(value, dict) and value and (path in schema.groups or path in schema.mappings):
        for key, item in value.items():
            yield from _flatten(f"{path}.{key}", item, schema, place_of)
    else:
        yield path, value


# --- putting them together ----------------------------------------------------------------------------------------


def _merge(given: dict[str, _Given], more: Iterator[tuple[str, _Given]]) -> None:
    """Let `more` win; a key also replaces what was given for its whole group, or for the keys beneath it."""
    for path, item in more:
        for other in list(given):
            if other.startswith(path + ".") or path.startswith(other + "."):
                del given[other]
        given[path] = item


def _nest(given: Mapping[str, _Given]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, item in given.items():
        *parents, name = path.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = _plain(item.value)
    return tree


def _over_default(
    default: BaseModel | None, cls: type[BaseModel], given: Mapping[str, Any], path: str, schema: Schema
) -> dict[str, Any]:
    """Return a group's given keys laid over its default: a field's own default may differ from its class's defaults."""
    tree = default.model_dump(mode="json") if default is not None else {}
    for name, value in given.items():
        inner = f"{path}{name}"
        if isinstance(value, dict) and inner in schema.groups:
            held = getattr(default, name) if default is not None else cls.model_fields[name].get_default()
            held = held if isinstance(held, BaseModel) else None
            tree[name] = _over_default(held, schema.groups[inner], value, f"{inner}.", schema)
        else:
            tree[name] = value
    return tree


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _origins(config: Strict, given: Mapping[str, _Given], schema: Schema) -> dict[str, str]:
    """Return the origin of each key that the configuration has; the keys of an absent group are not listed."""
    values = config.model_dump(mode="json")
    absent = {group for group in schema.groups if _value_at(values, group) is None}
    origins = {}
    for path in schema.keys:
        if (path in schema.groups and path not in absent) or any(path.startswith(group + ".") for group in absent):
            continue
        places = [item.origin for key, item in given.items() if key == path or key.startswith(path + ".")]
        origins[path] = ", ".join(dict.fromkeys(places)) or "default"
    return origins


def _value_at(values: Any, path: str) -> Any:
    for part in path.split("."):
        values = None if values is None else values[part]
    return values


def _explain(error: ValidationError, given: Mapping[str, _Given], schema: Schema) -> ConfigError:
    """Return pydantic's first complaint in our words, naming how many more there are."""
    details = error.errors(include_url=False)
    first = details[0]
    path = _path_of(first["loc"], schema)
    origin = next((item.origin for key, item in given.items() if key == path or path.startswith(key + ".")), "")
    where = f"{origin}:{path}" if origin and not origin.startswith(("--", ENVIRONMENT_PREFIX)) else origin or path
    others = list(dict.fromkeys(_path_of(detail["loc"], schema) for detail in details[1:]))
    more = [name for name in others if name and name != path]
    why = f"also wrong: {', '.join(more)}" if more else ""
    if first["type"] == "missing":
        flag = path.rsplit(".", 1)[-1]
        return ConfigError(
            f"{path!r} is missing",
            why=why,
            remedy=f"give it with --set {path}=... or in a file"
            if "." in path
            else f"give it with --{flag.replace('_', '-')} or --set {path}=...",
        )
    if not path:
        return ConfigError(_rule(first["msg"]), where=where, why=why)
    shown = json.dumps(first["input"], ensure_ascii=False, default=str)
    remedy = f"write {int(first['input'])}" if _whole_float(first["type"], first["input"]) else ""
    return ConfigError(f"{path} = {shown[:80]} {_rule(first['msg'])}", where=where, why=why, remedy=remedy)


def _whole_float(kind: str, value: Any) -> bool:
    return kind.startswith("int") and isinstance(value, float) and value.is_integer()


def _path_of(location: tuple[int | str, ...], schema: Schema) -> str:
    """Return the key that pydantic's location lies in, without the parts that are no keys (indices, union tags)."""
    path = ""
    for part in location:
        longer = f"{path}.{part}" if path else str(part)
        if not schema.knows(longer):
            return path or (longer if isinstance(part, str) else "")
        path = longer
    return path


def _rule(message: str) -> str:
    """Return pydantic's sentence in our words."""
    for ours, theirs in _WORDS.items():
        message = message.replace(theirs, ours)
    return message
