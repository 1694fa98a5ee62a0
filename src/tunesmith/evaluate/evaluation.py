"""`evaluation.json`: what an evaluation of one model found, suite by suite. Equal runs write equal bytes.

Times are not part of it; they lie beside it in `times.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from tunesmith.core.errors import DataError
from tunesmith.evaluate.aggregate import Aggregate
from tunesmith.evaluate.runner import Answered
from tunesmith.evaluate.scorer import Measure
from tunesmith.evaluate.task import Task
from tunesmith.model.load import LanguageModel
from tunesmith.statistics.rates import Rate
from tunesmith.train.durable import json_bytes, replace_file

FILE = "evaluation.json"
TIMES = "times.json"


class Result(NamedTuple):
    """A measure and its value."""

    measure: Measure
    rate: Rate


def suite_json(task: Task, answered: Answered, found: Aggregate) -> dict[str, Any]:
    """Return what `evaluation.json` says of one suite."""
    measures = {measure.name: measure for measure in task.scorer.measures}
    protocol = asdict(task.protocol) | {"form": answered.form}
    return {
        "version": task.version,
        "source": task.source,
        "file": task.file,
        "file_sha256": task.file_sha256,
        "protocol": protocol,
        "scorer": task.scorer.name,
        "items": found.items,
        "left_out": dict(task.left_out),
        "prompts_cut": answered.cut,
        "condition": task.condition,
        "notes": list(task.notes),
        "unscored": found.unscored,
        "measures": {name: _measured(measures[name], rate) for name, rate in found.measures.items()},
        "groups": {
            kind: {name: {m: rate.to_json() for m, rate in rates.items()} for name, rates in groups.items()}
            for kind, groups in found.groups.items()
        },
    }


def about_model(name: str, model: LanguageModel | None) -> dict[str, Any]:
    """Return what is written about the model; of one that is not at hand (a log scored again) the name alone."""
    if model is None:
        return {"name": name}
    return {
        "name": name,
        "parameters": sum(p.numel() for p in model.network.parameters()),
        "chat": model.template is not None,
    }


def _measured(measure: Measure, rate: Rate) -> dict[str, Any]:
    about = asdict(measure)
    return {**rate.to_json(), **{key: about[key] for key in ("label", "unit", "higher_is_better", "primary")}}


def results_of(suite: Mapping[str, Any]) -> list[Result]:
    """Return the measures of a suite's part, the primary ones first."""
    found = [
        Result(
            Measure(name, m["label"], m["higher_is_better"], m["unit"], m["primary"]),
            Rate(m["value"], m["low"], m["high"], m["n"]),
        )
        for name, m in suite["measures"].items()
    ]
    return sorted(found, key=lambda result: not result.measure.primary)


def write_evaluation(body: Mapping[str, Any], folder: Path) -> Path:
    """Write the file in one step and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / FILE, json_bytes(body))
    return folder / FILE


def read_evaluation(place: Path) -> dict[str, Any]:
    """Return the evaluation in a run's folder, with its `times` where there are some.

    Raises:
        DataError: there is none, or it is not one of suites.
    """
    file = place / FILE if place.is_dir() else place
    try:
        body: dict[str, Any] = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise DataError("no evaluation", where=str(file), why=str(error), remedy="run `tunesmith eval run`") from error
    if not isinstance(body.get("suites"), dict):
        raise DataError(
            "not an evaluation of suites", where=str(file), remedy="make one with `tunesmith eval run --suite NAME`"
        )
    times = file.with_name(TIMES)
    body["times"] = orjson.loads(times.read_bytes()) if times.is_file() else {}
    return body
