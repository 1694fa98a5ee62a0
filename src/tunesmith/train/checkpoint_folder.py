"""The files inside one checkpoint: written one by one, listed in a manifest, believed only when they match it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from tunesmith.core.errors import CheckpointError
from tunesmith.train.durable import json_bytes, sync_directory
from tunesmith.train.objective import StateTree
from tunesmith.train.state_tree import join, split

FORMAT = 1
MANIFEST, BODY = "manifest.json", "state.json"
NAME = re.compile(r"step-(\d{6,})")

Write = Callable[[Path, bytes], None]
Point = Callable[[str], None]


class LoadedCheckpoint(NamedTuple):
    """A checkpoint whose every byte was verified."""

    step: int
    path: Path
    tree: StateTree


def fill(folder: Path, step: int, tree: StateTree, *, write: Write, point: Point) -> None:
    """Write the state into an empty folder: tensors by top-level key, the rest as JSON, the manifest last.

    Raises:
        OSError: whatever `write` raises; the folder is then incomplete and has no manifest.
    """
    body: dict[str, Any] = {}
    files: dict[str, dict[str, Any]] = {}

    def add(name: str, data: bytes) -> None:
        point(f"before {name}")
        write(folder / name, data)
        files[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        point(f"after {name}")

    for key, value in tree.items():
        # One file at a time: the peak in memory is the largest part of the state, not all of it.
        parts = split({key: value})
        body |= parts.body
        if parts.tensors:
            add(f"{key}.safetensors", save_tensors(parts.tensors))
    add(BODY, json_bytes(body))
    manifest = {"format": FORMAT, "step": step, "files": dict(files)}
    add(MANIFEST, json_bytes({**manifest, "sha256": hashlib.sha256(json_bytes(manifest)).hexdigest()}))
    sync_directory(folder)
    point("folder synced")


def load_checkpoint(path: Path) -> LoadedCheckpoint:
    """Return a checkpoint; each file is read once, and the bytes verified are the bytes parsed.

    Raises:
        CheckpointError: a file is missing, of another size or of another hash; it is named.
    """
    manifest = _manifest(path)
    tensors: dict[str, Any] = {}
    body: dict[str, Any] = {}
    for name, facts in manifest["files"].items():
        data = _verified(path / name, facts)
        if name == BODY:
            body = json.loads(data)
        else:
            tensors |= load_tensors(data)
    return LoadedCheckpoint(manifest["step"], path, join(tensors, body))


def fault_of(path: Path) -> str | None:
    """Return what is wrong with a checkpoint's files, or None; nothing is parsed but the manifest."""
    try:
        for name, facts in _manifest(path)["files"].items():
            _verified(path / name, facts)
    except CheckpointError as error:
        return error.what
    return None


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
        digest = manifest.pop("sha256")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{MANIFEST} cannot be read: {error}", where=str(path)) from error
    # Its own hash: a flipped bit in a name or a step must not pass for another checkpoint.
    if digest != hashlib.sha256(json_bytes(manifest)).hexdigest():
        raise CheckpointError(f"{MANIFEST}: SHA-256 differs", where=str(path))
    if manifest["format"] != FORMAT:
        raise CheckpointError(f"format {manifest['format']} is not known", where=str(path), remedy="update tunesmith")
    named = NAME.fullmatch(path.name)
    if named and int(named[1]) != manifest["step"]:
        raise CheckpointError(f"{MANIFEST} is of step {manifest['step']}", where=str(path))
    assert isinstance(manifest, dict)
    return manifest


def _verified(path: Path, facts: dict[str, Any]) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror}", where=str(path.parent)) from error
    if len(data) != facts["bytes"]:
        size = f"{path.name} has {len(data)} bytes instead of {facts['bytes']}"
        raise CheckpointError(size, where=str(path.parent))
    if hashlib.sha256(data).hexdigest() != facts["sha256"]:
        raise CheckpointError(f"{path.name}: SHA-256 differs", where=str(path.parent))
    return data
