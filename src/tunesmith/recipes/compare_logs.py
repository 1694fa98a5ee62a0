"""Compare two or more logs of samples: measure by measure, and pairwise by a judge; write one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.evaluate.comparison import Difference, compare_logs, corrected_together
from tunesmith.evaluate.evaluation import read_evaluation, results_of
from tunesmith.evaluate.evaluation_report import Page, Versus, write_page
from tunesmith.evaluate.sample_log import Sample, read_samples
from tunesmith.evaluate.scorer import Measure
from tunesmith.recipes.judging import JudgeConfig, judged
from tunesmith.statistics.several_tests import Correction
from tunesmith.train.durable import json_bytes, replace_file


class Config(Strict):
    """Comparison of logs."""

    runs: tuple[str, ...] = Field((), description="runs or logs of samples; the first is the parent")
    judge: str = Field("", description="a reward model's folder, or http(s)://HOST/v1 of a teacher; none = no judge")
    judging: JudgeConfig = Field(JudgeConfig(), description="how a teacher is asked to judge")
    correction: Literal["holm", "bh"] = Field("holm", description="for several tests: Holm, or Benjamini-Hochberg")
    seed: int = Field(0, description="the seed of intervals and tests")
    out: str = Field("", description="a folder for comparison.json and report.html; none = only on screen")


def run(config: Config, context: RunContext) -> RunResult:
    """Read, compare every run with the first, let the judge decide, write."""
    logs = {name: read_samples(Path(name)) for name in config.runs}
    parent = config.runs[0]
    versus = against_parent(logs, measures_of(config.runs, logs), config.correction, context, seed=config.seed)
    preference = judged(config.judge, config.judging, logs, context, seed=config.seed) if config.judge else {}
    body: dict[str, Any] = {
        "parent": parent,
        "correction": config.correction,
        "comparisons": {v.second: [d.to_json() for d in v.comparison.differences] for v in versus},
        **({"preference": preference} if preference else {}),
    }
    artefacts = {}
    if config.out:
        out = Path(config.out)
        out.mkdir(parents=True, exist_ok=True)
        replace_file(out / "comparison.json", json_bytes(body))
        evaluations = {name: read_evaluation(Path(name)) for name in config.runs if Path(name).is_dir()}
        write_page(Page(evaluations=evaluations, versus=versus, preference=preference), out / "report.html")
        artefacts = {"comparison": str(out / "comparison.json"), "report": str(out / "report.html")}
    shown = {v.second: {f"{d.task}: {d.measure.label}": _line(d) for d in v.comparison.differences} for v in versus}
    preferred = {"preference": preference} if preference else {}
    summary = body if context.json else {"against": parent, **shown, **preferred}
    return RunResult(out=Path(config.out or "."), summary=summary, artefacts=artefacts)


def measures_of(runs: tuple[str, ...], logs: dict[str, list[Sample]]) -> dict[str, list[Measure]]:
    """Return each task's measures: from the evaluations beside the logs, else by their names in the logs."""
    found: dict[str, list[Measure]] = {}
    for name in runs:
        if Path(name).is_dir():
            for suite, part in read_evaluation(Path(name))["suites"].items():
                found.setdefault(suite, [result.measure for result in results_of(part)])
    for samples in logs.values():
        for sample in samples:
            if sample.task not in found:
                names = enumerate(sample.scores)
                found[sample.task] = [Measure(n, n.replace("_", " "), primary=i == 0) for i, n in names]
    return found


def against_parent(
    logs: Mapping[str, Sequence[Sample]],
    measures: Mapping[str, Sequence[Measure]],
    correction: Correction,
    context: RunContext,
    *,
    seed: int,
) -> list[Versus]:
    """Return every log's comparison with the first one; items that only one of the two has are counted on screen."""
    parent, *others = logs
    each = [compare_logs(logs[parent], logs[name], measures, correction=correction, seed=seed) for name in others]
    versus = []
    for name, found in zip(others, corrected_together(each, correction), strict=True):
        versus.append(Versus(parent, name, found))
        if any(found.alone):
            counts = f"{found.alone[0]} items only in {parent}, {found.alone[1]} only here"
            context.log(f"{name}: {counts}: not compared")
    return versus


def _line(d: Difference) -> str:
    adjusted = "" if d.adjusted is None else f", adjusted p {d.adjusted:.3g}"
    span = f"[{d.rate.low:+.4f}, {d.rate.high:+.4f}]"
    return f"{d.first:.4f} -> {d.second:.4f}: {d.rate.value:+.4f} {span} n={d.rate.n}{adjusted}: {d.verdict}"
