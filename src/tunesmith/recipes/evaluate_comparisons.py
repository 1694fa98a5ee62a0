"""People's comparisons of completions, from tables: win rates, agreement and a ladder."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.evaluate.people import read_people
from tunesmith.train.durable import json_bytes, replace_file


class Config(Strict):
    """People's comparisons."""

    comparisons: tuple[str, ...] = Field((), description="CSV, JSON, Parquet or .xlsx files, one item a row")
    out: str = Field("", description="a folder for comparisons.json; none = only on screen")
    seed: int = Field(0, description="the seed of intervals")


def run(config: Config, context: RunContext) -> RunResult:
    """Read, count, write."""
    people = read_people([Path(name) for name in config.comparisons], seed=config.seed)
    for reason, n in people.left_out.items():
        context.log(f"{n:,} left out: {reason}")
    body = people.to_json()
    artefacts = {}
    if config.out:
        path = Path(config.out) / "comparisons.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json_bytes(body))
        artefacts["comparisons"] = str(path)
    steps = {step.model: step.to_json() for step in people.ladder}
    summary = body if context.json else {**body, "ladder": steps}
    return RunResult(out=Path(config.out or "."), summary=summary, artefacts=artefacts)
