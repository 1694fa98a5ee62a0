"""Evaluation figures that lie beside a run: a quickstart's `results.json`, and every `evaluation.json` of its model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from tunesmith.evaluate.evaluation import FILE, results_of

RESULTS = "results.json"
_RATES = ("success", "truthful", "toxic")


class Figure(NamedTuple):
    """One measured number as words: the file it is from, what it says, the value, its interval, and n."""

    where: str
    what: str
    value: str
    interval: str
    n: int


class Figures(NamedTuple):
    """What was found, and the files that could not be read, each with the reason."""

    found: list[Figure]
    unread: dict[str, str]


def figures_beside(run: Path) -> Figures:
    """Return the figures of a run's model, from its own folder and the folders beside it, in a stable order.

    A file that cannot be read is named: the card says what was found, and never more.
    """
    unread: dict[str, str] = {}
    found = list(_of_quickstart(run, unread))
    places = sorted({*run.glob(FILE), *run.glob(f"*/{FILE}"), *run.parent.glob(f"*/{FILE}")})
    for file in places:
        body = _read(file, unread)
        about = body.get("model")
        if isinstance(about, dict) and _same(str(about.get("name", "")), run):
            found += _of_suites(body, file)
    return Figures(found, unread)


def _of_quickstart(run: Path, unread: dict[str, str]) -> Iterator[Figure]:
    file = run.parent / RESULTS
    body = _read(file, unread) if file.exists() else {}
    measured = body.get("models", {}).get(run.name, {})
    for name in _RATES:
        if name in measured:
            yield _figure(file, f"the desk's held-out prompts: {name}", measured[name])
    for name, rates in body.get("win_rates", {}).items():
        if name.startswith(f"{run.name}_vs_"):
            other = name.removeprefix(f"{run.name}_vs_")
            yield _figure(file, f"preferred to {other} by the gold judge", rates["gold"])
            yield _figure(file, f"preferred to {other} by held-out labelers", rates["labelers"])


def _of_suites(body: Mapping[str, Any], file: Path) -> Iterator[Figure]:
    for suite, part in body.get("suites", {}).items():
        for result in results_of(part):
            yield _figure(file, f"{suite}: {result.measure.label}", result.rate.to_json())


def _figure(file: Path, what: str, rate: Mapping[str, Any]) -> Figure:
    interval = f"{rate['low']:.3f} to {rate['high']:.3f}"
    return Figure(f"{file.parent.name}/{file.name}", what, f"{rate['value']:.3f}", interval, int(rate["n"]))


def _same(name: str, run: Path) -> bool:
    return bool(name) and Path(name).resolve() in (run.resolve(), (run / "model").resolve())


def _read(file: Path, unread: dict[str, str]) -> dict[str, Any]:
    try:
        body = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        unread[str(file)] = str(error)
        return {}
    if not isinstance(body, dict):
        unread[str(file)] = "not a JSON object"
        return {}
    return body
