"""Evaluate completions that were made elsewhere: one run for each model, which compare and report read like our own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import Field

from tunesmith import __version__
from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.evaluate import sample_log
from tunesmith.evaluate.aggregate import aggregate
from tunesmith.evaluate.evaluation import results_of, suite_json, write_evaluation
from tunesmith.evaluate.outside_completions import Columns, read_outside
from tunesmith.evaluate.runner import Answered
from tunesmith.evaluate.sample_log import Sample, write_samples
from tunesmith.evaluate.scorers.given import Given
from tunesmith.evaluate.scorers.text_metrics import metric_named
from tunesmith.evaluate.suites.suite import file_hash
from tunesmith.evaluate.task import Task


class ColumnConfig(Strict):
    """Which column holds what; empty = found by its usual names."""

    prompt: str = Field("", description="the column of prompts; equal prompts are one cluster")
    completion: str = Field("", description="the column of completions")
    model: str = Field("", description="the column of the models' names")
    condition: str = Field("", description="the column that results are also broken down by")
    references: str = Field("", description="the column of references, several divided by |")
    scores: tuple[str, ...] = Field((), description="columns of scores; none = every column of numbers")


class Config(Strict):
    """Evaluation of completions from elsewhere."""

    completions: tuple[str, ...] = Field((), description="CSV, JSON, Parquet or .xlsx files, one completion a row")
    columns: ColumnConfig = Field(ColumnConfig(), description="which column holds what")
    metrics: tuple[str, ...] = Field((), description="metrics against the references")
    out: str = Field("", description="a folder for one run a model; required")
    seed: int = Field(0, description="the seed of intervals")


def run(config: Config, context: RunContext) -> RunResult:
    """Read the tables, aggregate by model and condition, write one run a model."""
    if not config.out:
        raise ConfigError("no folder for the results", where="out", remedy="give --out DIR")
    scorers = [metric_named(name) for name in config.metrics]
    columns = Columns(**config.columns.model_dump())
    suites: dict[str, dict[str, Any]] = {}
    logs: dict[str, list[Sample]] = {}
    for name in config.completions:
        path = Path(name)
        found = read_outside(path, columns, scorers)
        for reason, n in found.left_out.items():
            context.log(f"{path}: {n:,} rows left out: {reason}")
        for model, samples in found.logs.items():
            repeated = len(samples) - len({s.item.cluster for s in samples})
            notes = (
                (f"{repeated:,} of {len(samples):,} completions share their prompt with another",) if repeated else ()
            )
            task = Task(
                name=path.stem, version=1, source=path.name, items=(), scorer=Given(found.measures),
                file=path.name, file_sha256=file_hash(path), left_out=found.left_out, notes=notes,
            )  # fmt: skip
            totals = aggregate(samples, found.measures, seed=config.seed)
            suites.setdefault(model, {})[path.stem] = suite_json(task, Answered(samples, 0, 0, "plain"), totals)
            logs.setdefault(model, []).extend(samples)
    out = Path(config.out)
    folders = {}
    for model, parts in suites.items():
        folder = out / (re.sub(r"[^\w.\-]+", "_", model).strip("._") or "model")
        about = {"name": model, "made": "elsewhere"}
        body = {"kind": "suites", "tunesmith": __version__, "model": about, "seed": config.seed, "suites": parts}
        write_evaluation(body, folder)
        write_samples(logs[model], folder / sample_log.FILE)
        folders[model] = str(folder)
    shown = {model: {suite: _shown(part) for suite, part in parts.items()} for model, parts in suites.items()}
    names = list(folders.values())
    following = f"compare {' '.join(names[:2])}" if len(names) > 1 else f"report {names[0]}"
    return RunResult(out=out, summary={"models": shown}, artefacts=folders, next_command=f"tunesmith eval {following}")


def _shown(part: dict[str, Any]) -> dict[str, Any]:
    groups = {"by": part["groups"]} if part["groups"] else {}
    return {r.measure.label: r.rate.to_json() for r in results_of(part)} | groups
