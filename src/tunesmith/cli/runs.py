"""`tunesmith runs ls | show | compare`: what the run directories say of themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.summary_text import summary_lines, value_text
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError, DataError

RunPath = Annotated[Path, typer.Argument(help="A run directory.")]
_BESIDE_METRICS = ("step", "time")


@dataclass(frozen=True, slots=True)
class RunReading:
    """What a run directory says: STATUS.json, config.yaml, and the newest value of each metric of metrics.jsonl."""

    path: Path
    status: dict[str, Any]
    config: dict[str, Any]
    metrics: dict[str, Any]
    torn_lines: int

    def row(self) -> dict[str, Any]:
        """Return the run in one line's worth of facts."""
        return {"run": str(self.path), **{key: self.status.get(key) for key in ("state", "step", "time")}}


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verb(app, "ls")(ls)
    verb(app, "show")(show)
    verb(app, "compare")(compare)


def ls(console: Console, folder: Annotated[Path, typer.Argument(help="Where the runs are.")] = Path("runs")) -> Outcome:
    """List the runs under a folder."""
    if not folder.is_dir():
        raise ConfigError("no such directory", where=str(folder), remedy="name the folder that holds the runs")
    # A quickstart keeps one run per stage one or two levels down.
    found = sorted({path.parent for depth in ("*", "*/*", "*/*/*") for path in folder.glob(f"{depth}/STATUS.json")})
    rows = [read_run(path).row() for path in found]
    lines = _table([("run", "state", "step", "time"), *[tuple(value_text(v) for v in row.values()) for row in rows]])
    return Outcome(summary={"runs": rows}, lines=lines if rows else [f"no runs under {folder}"])


def show(console: Console, run: RunPath) -> Outcome:
    """Show a run's status, configuration and newest metrics."""
    reading = read_run(run)
    if reading.torn_lines:
        console.warn(f"{run}/metrics.jsonl: {reading.torn_lines} line(s) cut short by an interruption, left out")
    summary = {"run": str(run), "status": reading.status, "config": reading.config, "metrics": reading.metrics}
    return Outcome(summary=summary, lines=summary_lines(summary))


def compare(
    console: Console, runs: Annotated[list[Path], typer.Argument(help="Two or more run directories.")]
) -> Outcome:
    """Show where the configurations of runs differ, and their newest metrics side by side."""
    if len(runs) < 2:
        raise ConfigError("needs two runs or more", where="runs compare")
    readings = [read_run(run) for run in runs]
    configs = [_flat(reading.config) for reading in readings]
    differing = {
        key: [config.get(key) for config in configs]
        for key in _keys(configs)
        if any(config.get(key) != configs[0].get(key) for config in configs)
    }
    metrics = {key: [reading.metrics.get(key) for reading in readings] for key in _keys([r.metrics for r in readings])}
    head = ("", *[str(run) for run in runs])
    body = [(key, *[value_text(value) for value in values]) for key, values in {**differing, **metrics}.items()]
    summary = {"runs": [str(run) for run in runs], "differing": differing, "metrics": metrics}
    return Outcome(summary=summary, lines=_table([head, *body]))


def read_run(path: Path) -> RunReading:
    """Return what a run directory says; a metrics line cut short by a kill is counted, not an error.

    Raises:
        ConfigError: the directory is no run.
        DataError: one of its files is not readable as what it should be.
    """
    from tunesmith.core.yaml_strict import read_yaml

    status_file = path / "STATUS.json"
    if not status_file.is_file():
        raise ConfigError("is not a run directory", where=str(path), why="it has no STATUS.json")
    try:
        status = json.loads(status_file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError("is not JSON", where=str(status_file), why=str(error)) from error
    config_file = path / "config.yaml"
    text = config_file.read_text(encoding="utf-8") if config_file.is_file() else ""
    metrics, torn = _newest_metrics(path / "metrics.jsonl")
    return RunReading(path, status, read_yaml(text, where=str(config_file)).values, metrics, torn)


def _newest_metrics(file: Path) -> tuple[dict[str, Any], int]:
    metrics: dict[str, Any] = {}
    torn = 0
    if file.is_file():
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                try:
                    metrics |= json.loads(line)
                except ValueError:
                    torn += 1
    return {key: value for key, value in metrics.items() if key not in _BESIDE_METRICS}, torn


def _keys(mappings: Iterable[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))


def _flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
