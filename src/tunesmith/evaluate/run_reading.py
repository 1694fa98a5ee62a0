"""What run directories say of themselves, read fast enough for hundreds of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.yaml_strict import read_yaml

_BESIDE_METRICS = ("step", "time")
_DEPTHS = ("*", "*/*", "*/*/*", "*/*/*/*")  # a quickstart or a sweep keeps its runs some levels down

Curve = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class RunReading:
    """STATUS.json, config.yaml, and metrics.jsonl: the newest value of each metric, and its curve over steps."""

    path: Path
    status: dict[str, Any]
    config: dict[str, Any]
    metrics: dict[str, Any]
    curves: dict[str, Curve]
    torn_lines: int


def find_runs(folder: Path) -> list[Path]:
    """Return the run directories under a folder."""
    return sorted({path.parent for depth in _DEPTHS for path in folder.glob(f"{depth}/STATUS.json")})


def read_status(path: Path) -> dict[str, Any]:
    """Return a run's STATUS.json.

    Raises:
        ConfigError: the directory is no run.
        DataError: the file is not JSON.
    """
    file = path / "STATUS.json"
    if not file.is_file():
        raise ConfigError("is not a run directory", where=str(path), why="it has no STATUS.json")
    try:
        found: dict[str, Any] = json.loads(file.read_bytes())
    except ValueError as error:
        raise DataError("is not JSON", where=str(file), why=str(error)) from error
    return found


def read_run(path: Path) -> RunReading:
    """Return everything that a run directory says; a metrics line cut short by a kill is counted, not an error.

    Raises:
        ConfigError: the directory is no run.
        DataError: one of its files is not readable as what it should be.
    """
    status = read_status(path)
    config_file = path / "config.yaml"
    text = config_file.read_text(encoding="utf-8") if config_file.is_file() else ""
    metrics, curves, torn = _metrics(path / "metrics.jsonl")
    return RunReading(path, status, read_yaml(text, where=str(config_file)).values, metrics, curves, torn)


def _metrics(file: Path) -> tuple[dict[str, Any], dict[str, Curve], int]:
    newest: dict[str, Any] = {}
    curves: dict[str, Curve] = {}
    torn = 0
    for line in file.read_bytes().splitlines() if file.is_file() else ():
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            torn += 1
            continue
        newest |= row
        for name, value in row.items():
            if value is not None and name not in _BESIDE_METRICS:
                curves.setdefault(name, []).append((row.get("step", 0), value))
    return {name: value for name, value in newest.items() if name not in _BESIDE_METRICS}, curves, torn


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side: keys of the configuration that differ, and newest metrics, one value per run."""

    runs: list[str]
    differing: dict[str, list[Any]]
    metrics: dict[str, list[Any]]


def compare_runs(readings: Sequence[RunReading]) -> Comparison:
    """Return what differs between runs; a key or metric that a run lacks is None there."""
    configs = [flat(reading.config) for reading in readings]
    differing = {
        key: [config.get(key) for config in configs]
        for key in _keys(configs)
        if any(config.get(key) != configs[0].get(key) for config in configs)
    }
    metrics = {key: [reading.metrics.get(key) for reading in readings] for key in _keys(r.metrics for r in readings)}
    return Comparison([str(reading.path) for reading in readings], differing, metrics)


def _keys(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as dotted keys: {"a": {"b": 1}} -> {"a.b": 1}."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return found
