"""`report.html` of a sweep: the answer first, then curves, what mattered, every trial, and the file to copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from tunesmith.core.config import to_yaml
from tunesmith.evaluate import wording
from tunesmith.evaluate.page import page_template
from tunesmith.sweep import charts
from tunesmith.sweep.folder import SweepFolder
from tunesmith.sweep.plan import Plan
from tunesmith.sweep.results import SweepResult, TrialResult
from tunesmith.train.durable import replace_file


def write_report(result: SweepResult, plan: Plan, folder: SweepFolder) -> None:
    """Render and write the page in one step."""
    replace_file(folder.report, render(result, plan, folder.best).encode())


def render(result: SweepResult, plan: Plan, best_file: Path) -> str:
    """Return the page; it loads nothing and runs nothing."""
    best = result.best
    best_yaml = "" if best is None else to_yaml(plan.config(best.values))
    return page_template("sweep.html.j2").render(
        result=result,
        headline=headline(result),
        findings=findings(result),
        counts=result.counts(),
        keys=[d.key for d in plan.space],
        ranked=ranked(result),
        curves=Markup(charts.curves(result)),
        key_plots=[(key, Markup(svg)) for key, svg in charts.key_plots(result, plan.space)],
        importance=Markup(charts.importance_bars(result.importance)) if result.importance else None,
        best_yaml=best_yaml,
        best_file=str(best_file),
        time=wording.duration(result.seconds),
        duration=wording.duration,
        number=number,
        short=lambda key: key.rpartition(".")[2],
    )


def number(value: Any) -> str:
    """Return a value of a trial as the table shows it."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def ranked(result: SweepResult) -> list[TrialResult]:
    """Return the trials, best first; pruned ones after the finished, failed ones last."""
    order = {"finished": 0, "pruned": 1, "failed": 2}
    sign = -1 if result.larger_is_better else 1
    return sorted(
        result.trials, key=lambda t: (order[t.state], sign * t.value if t.value is not None else float("inf"), t.name)
    )


def headline(result: SweepResult) -> str:
    """Return the answer in one sentence."""
    best, given, sure = result.best, result.baseline, result.confirmation
    if best is None:
        return "No trial finished"
    text = f"The best {result.metric} is {best.value:.4g} (trial {best.name})"
    if given is not None and given.value is not None:
        text += f"; as given it is {given.value:.4g}"
    if sure is not None:
        text += f". With {len(sure.seeds)} new seeds: {sure.verdict}"
    return text + "."


def findings(result: SweepResult) -> list[tuple[str, str]]:
    """Return (good, bad or empty; sentence) for what a reader must know before believing the headline."""
    found: list[tuple[str, str]] = []
    sure = result.confirmation
    if sure is not None and sure.difference is not None:
        d = sure.difference
        better = "better than" in sure.verdict
        side = "higher" if result.larger_is_better else "lower"
        found.append(
            (
                "good" if better else "bad" if "worse" in sure.verdict else "",
                f"{result.metric}, best minus given, paired over {d.n} seeds: {d.value:+.3g}, 95 % interval "
                f"{d.low:+.3g} to {d.high:+.3g} ({side} is better).".replace("-", "\N{MINUS SIGN}"),
            )
        )
    elif result.best is not None:
        found.append(
            (
                "",
                "The best of many trials was chosen for its value on one validation set and looks better than it is; "
                "--confirm-seeds 3 repeats best and given with new seeds.",
            )
        )
    counts = result.counts()
    if counts["failed"]:
        found.append(
            ("bad", f"{counts['failed']} of {len(result.trials)} trials failed; the reasons are in the table.")
        )
    if counts["retried"]:
        found.append(("", f"{counts['retried']} trials were killed from outside and went on from a checkpoint."))
    if counts["pruned"]:
        found.append(("", f"{counts['pruned']} trials were ended early by the pruner; they are not candidates."))
    return found
