"""The learning-rate range test (Smith 2017, arXiv 1506.01186): one short run whose rate rises by equal factors.

The rate at which the smoothed loss is smallest is already too large to stay at; a tenth of it is suggested, the usual
rule, and the rate of the steepest fall is shown beside it. It is a starting point for a sweep and not its result: the
test sees a hundred steps with a rising rate, a run many more with a falling one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from tunesmith.core.config import ENVIRONMENT_PREFIX, Strict
from tunesmith.core.errors import ConfigError, TunesmithError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.evaluate.figure import new_figure, role, style_axes, to_svg
from tunesmith.evaluate.page import page_template
from tunesmith.sweep.charts import legend
from tunesmith.sweep.cores import cores
from tunesmith.sweep.folder import wait_for_orphan
from tunesmith.sweep.plan import with_values
from tunesmith.sweep.pool import Ending, Job, Pool
from tunesmith.sweep.process import PROGRAM, Order, child_environment, start_local
from tunesmith.sweep.reading import Point
from tunesmith.train.durable import json_bytes, replace_file
from tunesmith.train.metrics import LOSS

SMOOTHING = 0.9
DIVERGED = 4.0  # times the smallest smoothed loss
EDGE = 5  # first and last steps, whose averages hold too little, are no candidates
RULE = 10.0


class RangeTest(NamedTuple):
    """Rates and smoothed losses by step; `smallest` and `steepest` are rates; `why` says how `suggested` came about."""

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    smallest: float
    steepest: float
    suggested: float
    diverged: bool
    why: str


class Span(NamedTuple):
    """The first and last rate, and how many steps lie between them."""

    low: float
    high: float
    steps: int


def rate_at(step: int, *, low: float, high: float, steps: int) -> float:
    """Return the learning rate of a step, counted from 1."""
    return float(high * (low / high) ** (1.0 - (step - 1) / (steps - 1)))


def smooth(losses: Sequence[float], weight: float = SMOOTHING) -> list[float]:
    """Return the exponential moving average with its start corrected, so that the first value is the first loss."""
    average, found = 0.0, []
    for count, loss in enumerate(losses, 1):
        average = weight * average + (1 - weight) * loss
        found.append(average / (1 - weight**count))
    return found


def analyse(rates: Sequence[float], losses: Sequence[float]) -> RangeTest:
    """Return the suggestion for losses seen at ascending rates.

    Raises:
        TunesmithError: too few steps, or the loss never fell.
    """
    if len(losses) < 4 * EDGE:
        raise TunesmithError("the range test is too short", why=f"{len(losses)} steps", remedy="begin lower: --low")
    smoothed = smooth(losses)
    least = min(range(EDGE, len(smoothed)), key=smoothed.__getitem__)
    diverged = smoothed[-1] > DIVERGED * smoothed[least] or smoothed[-1] > smoothed[0]
    slopes = np.gradient(smoothed, np.log(rates))
    steepest = int(np.argmin(slopes[EDGE : least + 1])) + EDGE
    if smoothed[least] >= smoothed[0]:
        raise TunesmithError("the loss never fell", why=f"from {rates[0]:.1e} on", remedy="begin lower: --low")
    at_end = least >= len(smoothed) - EDGE
    why = f"a tenth of {rates[least]:.1e}, where the smoothed loss was smallest"
    if at_end:
        why += "; the loss was still falling at the end of the range, so the best may lie higher: raise --high"
    return RangeTest(
        list(rates), list(losses), smoothed, rates[least], rates[steepest], rates[least] / RULE, diverged, why
    )


def run_lr_range(
    stage: str,
    config: Strict,
    out: Path,
    context: RunContext,
    span: Span,
    program: tuple[str, ...] = PROGRAM,
) -> RunResult:
    """Run the test and write lr_range.json and lr_range.html beside the run.

    Raises:
        ConfigError: LOW is not below HIGH, or `out` holds something already.
        TunesmithError: the run failed before enough steps, or the loss never fell.
    """
    low, high, steps = span
    if not 0 < low < high or steps < 4 * EDGE:
        raise ConfigError(f"needs 0 < LOW < HIGH and at least {4 * EDGE} steps", where="sweep lr-range")
    if out.exists() and any(out.iterdir()):
        raise ConfigError("is not empty", where=str(out), remedy="choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    tested = with_values(config, _settings(low, high, steps))
    job = _job(stage, tested, out, context, program)
    endings: list[Ending] = []
    diverged = _Diverged()
    pool = Pool(start_local, 1, 0, diverged.saw, lambda _job, ending: endings.append(ending), context.log)
    jobs = iter([job])
    pool.run(lambda: next(jobs, None))
    [ending] = endings
    if ending.state == "failed" and len(ending.points) < 4 * EDGE:
        raise TunesmithError("the test run failed", where=str(out / "run"), why=ending.error)
    rates = [rate_at(step, low=low, high=high, steps=steps) for step, _ in ending.points]
    found = analyse(rates, [loss for _, loss in ending.points])
    replace_file(out / "lr_range.json", json_bytes(found._asdict()))
    page = page_template("lr_range.html.j2")
    body = page.render(found=found, stage=stage, plot=Markup(_plot(found)), steps=len(rates), command=context.command)
    replace_file(out / "lr_range.html", body.encode())
    summary = {
        "suggested": found.suggested,
        "why": found.why,
        "steepest": found.steepest,
        "smallest": found.smallest,
        "diverged": found.diverged or ending.state == "failed",
        "steps": len(rates),
    }
    around = f"log:{found.suggested / 3:.1e}..{found.suggested * 3:.1e}"
    return RunResult(
        out=out,
        summary=summary,
        artefacts={"report": str(out / "lr_range.html"), "results": str(out / "lr_range.json")},
        next_command=f"tunesmith sweep {stage} --over learning_rate={around} --out DIR",
    )


def _settings(low: float, high: float, steps: int) -> dict[str, Any]:
    return {
        "max_steps": steps,
        "engine.optimizer.learning_rate": high,
        "engine.schedule": {"kind": "exponential", "warmup_start": low / high},
        "engine.validate_every": 0,
        "engine.early_stopping": None,
        "engine.checkpoint": {"every": 0},
        "engine.log_every": 1,
        "engine.tensorboard": False,
    }


def _job(stage: str, config: Strict, out: Path, context: RunContext, program: tuple[str, ...]) -> Job:
    from tunesmith.core.config import to_yaml  # noqa: PLC0415

    file = out / "run.yaml"
    replace_file(file, to_yaml(config).encode())
    wait_for_orphan(out / "run")
    words = ("train", stage, "--config", str(file), "--out", str(out / "run"), "--json", "--quiet")
    environment = child_environment(context.environment, threads=cores(), prefix=ENVIRONMENT_PREFIX)
    return Job("range test", Order(words, environment, out / "run.log", program), out / "run" / "metrics.jsonl", LOSS)


class _Diverged:
    """Ends the run once the smoothed loss is several times its smallest."""

    def __init__(self) -> None:
        self._losses: list[float] = []

    def saw(self, _job: Job, points: list[Point]) -> bool:
        self._losses += [value for _, value in points]
        smoothed = smooth(self._losses)
        return len(smoothed) > 4 * EDGE and smoothed[-1] > DIVERGED * min(smoothed)


def _plot(found: RangeTest) -> str:
    figure = new_figure(9.4, 3.6)
    axes = figure.subplots()
    style_axes(axes, grid="both")
    axes.plot(found.rates, found.losses, color=role("muted"), linewidth=0.8, alpha=0.6, label="loss")
    axes.plot(found.rates, found.smoothed, color=role("model-sft"), linewidth=2.2, label="smoothed")
    named = (
        ("suggested", found.suggested, "good"),
        ("steepest", found.steepest, "muted"),
        ("smallest", found.smallest, "bad"),
    )
    for name, rate, colour in named:
        axes.axvline(rate, color=role(colour), linewidth=1.4, linestyle=(0, (4, 3)), label=f"{name} {rate:.1e}")
    low = min(found.smoothed)
    usual = [v for v in found.smoothed if math.isfinite(v)]
    axes.set_ylim(low - 0.1 * abs(low), min(max(usual), 2 * found.smoothed[0] - low) + 0.1 * abs(low))
    axes.set_xscale("log")
    axes.set(xlabel="learning rate", ylabel="training loss")
    legend(axes)
    return to_svg(figure, name="lr", label="Loss over a rising learning rate")
