"""Write one page about evaluations: the first run is the parent, the others are compared with it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.evaluate.evaluation import read_evaluation
from tunesmith.evaluate.evaluation_report import Page, headline, write_page
from tunesmith.evaluate.sample_log import read_samples
from tunesmith.recipes.compare_logs import against_parent, measures_of


class Config(Strict):
    """Report of evaluations."""

    runs: tuple[str, ...] = Field((), description="runs of `eval run --suite`; the first is the parent")
    correction: Literal["holm", "bh"] = Field("holm", description="for several tests: Holm, or Benjamini-Hochberg")
    seed: int = Field(0, description="the seed of intervals and tests")
    out: str = Field("", description="the page's file or folder; none = report.html in the last run")


def run(config: Config, context: RunContext) -> RunResult:
    """Read the runs, compare, render."""
    if not config.runs:
        raise ConfigError("no run to report", where="runs")
    evaluations = {name: read_evaluation(Path(name)) for name in config.runs}
    logs = {name: read_samples(Path(name)) for name in config.runs}
    versus = against_parent(logs, measures_of(config.runs, logs), config.correction, context, seed=config.seed)
    page = Page(evaluations=evaluations, versus=versus)
    place = Path(config.out or config.runs[-1])
    path = place if place.suffix == ".html" else place / "report.html"
    write_page(page, path)
    return RunResult(out=path.parent, summary={"headline": headline(page)}, artefacts={"report": str(path)})
