"""What a configuration class allows: its dotted keys, and which of them hold groups, mappings or plain text."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from tunesmith.core.errors import ConfigError
from tunesmith.core.nearest import did_you_mean


class Strict(BaseModel):
    """Base of every configuration class: frozen, unknown keys refused; a field's docstring is its documentation."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        protected_namespaces=(),
        ser_json_inf_nan="constants",
    )


@dataclass(frozen=True, slots=True)
class Schema:
    """The dotted keys of a configuration class.

    `keys` are all of them in the order of declaration. `leaves` hold values, `groups` hold other keys, `mappings` are
    the leaves whose own keys are free (such as `loss_coefs.ptx`), `texts` the leaves that only hold text or a path (a
    number given for one stays text).
    """

    keys: tuple[str, ...]
    leaves: dict[str, FieldInfo]
    groups: dict[str, type[BaseModel]]
    mappings: frozenset[str]
    texts: frozenset[str]

    def knows(self, path: str) -> bool:
        """Tell whether `path` is a key, or lies inside a mapping."""
        return path in self.leaves or path in self.groups or self.mapping_of(path) is not None

    def mapping_of(self, path: str) -> str | None:
        """Return the mapping that holds `path` as one of its free keys, if any."""
        return next((name for name in self.mappings if path.startswith(name + ".")), None)

    def find(self, name: str, *, where: str) -> str:
        """Return the full key that `name` means: itself, or the only key that ends in it.

        Raises:
            ConfigError: no key, or more than one, ends in `name`.
        """
        if self.knows(name):
            return name
        candidates = [path for path in self.keys if path.endswith("." + name)]
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise ConfigError(
                f"{name!r} can mean {len(candidates)} keys", where=where, remedy=f"use one of {', '.join(candidates)}"
            )
        raise self.unknown(name, where=where)

    def unknown(self, path: str, *, where: str) -> ConfigError:
        """Return the error for a key that does not exist; it names the nearest one."""
        return ConfigError(f"unknown key {path!r}", where=where, remedy=did_you_mean(path, self.keys))


def schema_of(model_cls: type[Strict]) -> Schema:
    """Return the dotted keys of a configuration class, in the order of their declaration."""
    leaves: dict[str, FieldInfo] = {}
    groups: dict[str, type[BaseModel]] = {}
    keys = []
    for path, info, group in _walk(model_cls, ""):
        keys.append(path)
        if group is None:
            leaves[path] = info
        else:
            groups[path] = group
    mappings = frozenset(path for path, info in leaves.items() if _without_none(info.annotation) == {dict})
    texts = frozenset(path for path, info in leaves.items() if _without_none(info.annotation) <= {str, Path})
    return Schema(tuple(keys), leaves, groups, mappings, texts)


def _walk(cls: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo, type[BaseModel] | None]]:
    for name, info in cls.model_fields.items():
        members = set(_members(info.annotation)) - {type(None)}
        only = members.pop() if len(members) == 1 else None
        group = only if isinstance(only, type) and issubclass(only, BaseModel) else None
        yield prefix + name, info, group
        if group is not None:
            yield from _walk(group, f"{prefix}{name}.")


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _without_none(annotation: Any) -> set[Any]:
    kinds = {get_origin(member) or member for member in _members(annotation)} - {type(None)}
    return {
        dict if isinstance(kind, type) and issubclass(kind, types.MappingProxyType | dict) else kind for kind in kinds
    }
