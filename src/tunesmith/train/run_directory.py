"""One run on disk: what was asked (config.yaml), where it came from (provenance.json), how it stands (STATUS.json).

runs/<name>/{config.yaml, provenance.json, STATUS.json, metrics.jsonl, tb/, checkpoints/, model/}
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from tunesmith.core.errors import ConfigError
from tunesmith.core.yaml_strict import read_yaml, write_yaml
from tunesmith.train.durable import json_bytes, replace_file

PACKAGES = ("tunesmith", "torch", "transformers", "tokenizers", "safetensors", "numpy", "peft")
RunState = Literal["running", "finished", "failed", "interrupted"]


class RunDirectory:
    """Paths and small files of a run; only rank 0 writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.provenance = path / "provenance.json"
        self.status = path / "STATUS.json"
        self.metrics = path / "metrics.jsonl"
        self.tensorboard = path / "tb"
        self.checkpoints = path / "checkpoints"
        self.model = path / "model"
        self._lock = FileLock(path / ".lock")

    def check_free(self, *, resume: bool) -> None:
        """Raise ConfigError early, before data are read, where `prepare` would refuse the folder later."""
        if self.config.exists():
            if not resume:
                raise ConfigError(
                    "holds a run already", where=str(self.path), remedy="resume it or choose another folder"
                )
        elif self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise ConfigError("is not empty and holds no run", where=str(self.path), remedy="choose another folder")

    def prepare(self, config: Mapping[str, Any], provenance: Mapping[str, Any], *, resume: bool) -> None:
        """Create the run, or check that an existing one has the same resolved config and note its resumption.

        Raises:
            ConfigError: the directory holds a run of another config (the differing keys are named), holds a run at
                all and `resume` is False, or holds something that is not a run.
        """
        resolved = json.loads(json_bytes(dict(config)))
        self.check_free(resume=resume)
        if self.config.exists():
            self._check_same(resolved)
            self._note_resumption()
            return
        self.path.mkdir(parents=True, exist_ok=True)
        replace_file(self.provenance, json_bytes(dict(provenance)))
        # The config comes last: a folder with one is a complete run.
        replace_file(self.config, write_yaml(resolved).encode())

    def lock(self) -> None:
        """Keep other processes from writing to this run until `unlock` or the end of this process.

        Raises:
            ConfigError: another process has it.
        """
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            remedy = "wait for it to end, or choose another folder"
            raise ConfigError("is being written by another process", where=str(self.path), remedy=remedy) from error

    def unlock(self) -> None:
        """Let other processes write to this run; nothing happens where `lock` was not called."""
        self._lock.release()

    def _check_same(self, resolved: Mapping[str, Any]) -> None:
        found = read_yaml(self.config.read_text(encoding="utf-8"), where=str(self.config)).values
        saved, asked = _flat(found), _flat(resolved)
        differing = [key for key in sorted(saved.keys() | asked.keys()) if saved.get(key, ...) != asked.get(key, ...)]
        if differing:
            pairs = [
                f"{key}: {saved.get(key, 'absent')!r} there, {asked.get(key, 'absent')!r} here" for key in differing
            ]
            remedy = "resume with the run's own config.yaml or choose another folder"
            raise ConfigError("is a run of another config", where=str(self.path), why="; ".join(pairs), remedy=remedy)

    def _note_resumption(self) -> None:
        known = json.loads(self.provenance.read_text(encoding="utf-8"))
        known.setdefault("resumed", []).append(_now())
        replace_file(self.provenance, json_bytes(known))

    def write_status(self, state: RunState, step: int, *, note: str = "") -> None:
        """Replace STATUS.json: state, optimizer steps done, process id, UTC time, a note (an error, a checkpoint)."""
        status = {"state": state, "step": step, "pid": os.getpid(), "time": _now(), "note": note}
        replace_file(self.status, json_bytes(status))

    def read_status(self) -> dict[str, Any]:
        """Return STATUS.json as written."""
        found = json.loads(self.status.read_text(encoding="utf-8"))
        assert isinstance(found, dict)
        return found


def provenance(
    *,
    parents: Mapping[str, str],
    snapshots: Mapping[str, str],
    command: Sequence[str],
    labels: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what a run came from: parent models and snapshots (name -> path or hash), command, versions, UTC time.

    `labels` says, by the snapshot's name, who labeled and which served replies the labels are about.
    """
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "parents": dict(parents),
        "snapshots": dict(snapshots),
        "labels": dict(labels or {}),
        "command": list(command),
        "versions": versions,
        "time": _now(),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as dotted keys: {"a": {"b": 1}} -> {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        path = f"{prefix}{key}"
        flat |= _flat(value, f"{path}.") if isinstance(value, Mapping) and value else {path: value}
    return flat
