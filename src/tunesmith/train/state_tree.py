"""A StateTree as named tensors (for safetensors) and JSON: nothing that could run code when read.

{"a": {"w": T1, "n": 3}, "b": [T2]}  <->  tensors {"a/w": T1, "b/0": T2}
                                          body    {"a": {"w": {"$tensor": "a/w"}, "n": 3}, "b": [{"$tensor": "b/0"}]}
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from safetensors.torch import load, save
from torch import Tensor

from tunesmith.train.objective import StateTree

TENSOR = "$tensor"
FLOAT = "$float"


class SplitState(NamedTuple):
    """`tensors`: CPU, contiguous, no two sharing memory. `body`: strict JSON with references to them."""

    tensors: dict[str, Tensor]
    body: dict[str, Any]


def split(tree: StateTree) -> SplitState:
    """Return the tree's tensors and the rest.

    Raises:
        TypeError: a value is neither a tensor, a JSON value, a list nor a dict with text keys (a tuple would come
            back as a list, so it is refused too); the path is named.
    """
    tensors: dict[str, Tensor] = {}
    storages: set[int] = set()

    def take(value: Tensor, path: str) -> dict[str, str]:
        tensor = value.detach().cpu().contiguous()
        address = tensor.untyped_storage().data_ptr()
        tensors[path] = tensor.clone() if address in storages else tensor
        storages.add(address)
        return {TENSOR: path}

    def walk(value: Any, path: str) -> Any:
        match value:
            case Tensor():
                return take(value, path)
            case dict():
                return {
                    _key(key, path): walk(item, f"{path}/{_escaped(key)}" if path else _escaped(key))
                    for key, item in value.items()
                }
            case list():
                return [walk(item, f"{path}/{i}") for i, item in enumerate(value)]
            case float() if not math.isfinite(value):
                return {FLOAT: repr(value)}
            case None | bool() | int() | float() | str():
                return value
        raise TypeError(f"state {path!r} is a {type(value).__name__}: neither tensor, JSON value, list nor dict")

    return SplitState(tensors, walk(tree, ""))


def _key(key: object, path: str) -> str:
    if not isinstance(key, str) or not key or key in (TENSOR, FLOAT):
        raise TypeError(f"state {path!r} has the key {key!r}: keys are non-empty text, not {TENSOR} or {FLOAT}")
    return key


def _escaped(key: str) -> str:
    """As in JSON pointers, so that {"a/b": T} and {"a": {"b": T}} have different names."""
    return str(key).replace("~", "~0").replace("/", "~1")


def join(tensors: Mapping[str, Tensor], body: Mapping[str, Any]) -> StateTree:
    """Return the tree that `split` took apart.

    Raises:
        KeyError: a tensor that the body refers to is absent.
    """

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {TENSOR}:
            return tensors[value[TENSOR]]
        if value.keys() == {FLOAT}:
            return float(value[FLOAT])
        return {key: walk(item) for key, item in value.items()}

    return {key: walk(item) for key, item in body.items()}


def size_bytes(tree: StateTree) -> int:
    """Return the bytes of all tensors, JSON not counted."""
    return sum(t.numel() * t.element_size() for t in tensors_of(tree))


def tensors_of(tree: Any) -> list[Tensor]:
    """Return every tensor in the tree, in order, without copying."""
    if isinstance(tree, Tensor):
        return [tree]
    items = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [tensor for item in items for tensor in tensors_of(item)]


def equal(left: Any, right: Any) -> bool:
    """Return True if two trees are the same bit for bit: types, keys, shapes, dtypes and values (NaN equals NaN)."""
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        same = left.dtype == right.dtype and left.shape == right.shape
        return same and torch.equal(_bits(left), _bits(right))
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right or (left != left and right != right))


def _bits(tensor: Tensor) -> Tensor:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat if flat.dtype is torch.bool else flat.view(torch.uint8)


def to_bytes(tree: StateTree) -> bytes:
    """Return a tree as one safetensors blob, to send it to another rank; `from_bytes` is the inverse."""
    parts = split(tree)
    return bytes(save(parts.tensors, metadata={"body": json.dumps(parts.body)}))


def from_bytes(data: bytes) -> StateTree:
    """Return the tree that `to_bytes` packed."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return join(load(data), json.loads(header["__metadata__"]["body"]))
