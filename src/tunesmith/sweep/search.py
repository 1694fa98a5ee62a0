"""A sweep from start to end: baseline and trials side by side, then best against given with new seeds, then the page.

Killed at any instant and started again, it goes on: finished trials stay, trials under way resume from their newest
checkpoint, and nothing is run twice.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.core.config import ENVIRONMENT_PREFIX, Strict, to_yaml
from tunesmith.core.errors import TunesmithError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.sweep.confirm import confirm_names, confirmation
from tunesmith.sweep.cores import thread_share
from tunesmith.sweep.folder import SweepFolder, wait_for_orphan
from tunesmith.sweep.plan import Plan
from tunesmith.sweep.pool import Ending, Job, Pool
from tunesmith.sweep.process import PROGRAM, Order, Start, child_environment, start_local
from tunesmith.sweep.reading import Point, value_of
from tunesmith.sweep.report import write_report
from tunesmith.sweep.results import SweepResult, TrialResult
from tunesmith.sweep.study import Asked, TrialBook, check_grid, grid_size, importances
from tunesmith.train.durable import json_bytes, replace_file

BASELINE = "given"
PARTIAL = 4


@dataclass(frozen=True, slots=True)
class Machinery:
    """How trials are started; tests put a small program in the place of tunesmith."""

    program: tuple[str, ...] = PROGRAM
    start: Start = start_local


def run_sweep(plan: Plan, out: Path, context: RunContext, machinery: Machinery | None = None) -> tuple[RunResult, int]:
    """Run the sweep and return its result and exit code: 0, or 4 where some trials failed.

    Raises:
        ConfigError: `out` holds another sweep, or a grid has no points.
        TunesmithError: no trial finished; says why the first one failed.
    """
    if plan.settings.sampler == "grid":
        check_grid(plan.settings, plan.space)
    if context.dry_run:
        return RunResult(out=out, summary={"dry_run": True, **_announced(plan)}), 0
    folder = SweepFolder(out)
    folder.open(plan)
    started = time.monotonic()
    try:
        sweep = Sweep(plan, folder, context, machinery or Machinery(start=_starter(plan, context)))
        sweep.search()
        result = sweep.result(seconds=time.monotonic() - started)
    finally:
        folder.close()
    replace_file(folder.results, json_bytes(result.to_json()))
    if result.best is None:
        first = next((t for t in result.trials if t.error), None)
        why = f"trial {first.name}: {first.error}" if first else "no value of the metric was written"
        raise TunesmithError("no trial finished", where=str(out), why=why, remedy=f"see {folder.trials}")
    _write_best(plan, folder, result.best)
    write_report(result, plan, folder)
    counts = result.counts()
    artefacts = {"report": str(folder.report), "results": str(folder.results), "best": str(folder.best)}
    command = f"tunesmith train {plan.stage} --config {folder.best} --out DIR"
    return RunResult(out=out, summary=_summary(result), artefacts=artefacts, next_command=command), (
        PARTIAL if counts["failed"] else 0
    )


def _starter(plan: Plan, context: RunContext) -> Start:
    if plan.settings.engine == "local":
        return start_local
    from tunesmith.sweep.ray_process import ray_starter  # noqa: PLC0415 - Ray is heavy and optional

    return ray_starter(cores_each=thread_share(plan.settings), log=context.log)


class Sweep:
    """One sweep in progress."""

    def __init__(self, plan: Plan, folder: SweepFolder, context: RunContext, machinery: Machinery) -> None:
        self.plan, self.folder, self.context, self.machinery = plan, folder, context, machinery
        self.book = TrialBook(plan, folder.path)
        self._reported: dict[str, int] = {}

    def search(self) -> None:
        """Run what has not ended yet: baseline, trials, then the confirmation of the best."""
        self._run(self._search_jobs())
        best = self.best()
        if best is not None and self.plan.settings.confirm_seeds:
            self._run(self._confirm_jobs(best))

    def _run(self, jobs: Iterator[Job]) -> None:
        settings = self.plan.settings
        pool = Pool(
            start=self.machinery.start,
            workers=settings.workers,
            retries=settings.retries,
            saw=self._saw,
            ended=self._ended,
            log=self.context.log,
        )
        pool.run(lambda: next(jobs, None))

    def _search_jobs(self) -> Iterator[Job]:
        if self.plan.settings.baseline and self.folder.ending(BASELINE) is None:
            yield self._job(BASELINE, self.plan.base)
        while (asked := self.book.ask()) is not None:
            name = f"{asked.number:04d}"
            known = self.folder.ending(name)
            if known is not None:  # ended just before the sweep was killed
                self.book.tell(asked.trial, value=known.value, state=known.state)
                continue
            yield self._job(name, self.plan.config(asked.values), asked)

    def _confirm_jobs(self, best: TrialResult) -> Iterator[Job]:
        for seed, names in confirm_names(self.plan, best):
            for name, values in names:
                if self.folder.ending(name) is None:
                    yield self._job(name, self.plan.config(values, seed=seed))

    def _job(self, name: str, config: Strict, asked: Asked | None = None) -> Job:
        run = self.folder.run(name)
        wait_for_orphan(run)
        file = self.folder.config(name, config)
        words = ("train", self.plan.stage, "--config", str(file), "--out", str(run), "--json", "--quiet")
        threads = thread_share(self.plan.settings)
        environment = child_environment(self.context.environment, threads=threads, prefix=ENVIRONMENT_PREFIX)
        order = Order(words, environment, self.folder.log(name), self.machinery.program)
        values = "" if asked is None else ": " + ", ".join(f"{_last(k)}={v}" for k, v in asked.values.items())
        self.context.log(f"{name}{values}")
        return Job(name, order, run / "metrics.jsonl", self.plan.metric, asked)

    def _saw(self, job: Job, points: list[Point]) -> bool:
        asked: Asked | None = job.tag
        if asked is None:
            return False
        for step, value in points:
            if step > self._reported.get(job.name, asked.reported):  # a resumed run repeats some steps
                asked.trial.report(value, step)
                self._reported[job.name] = step
        return self.plan.settings.pruner != "none" and asked.trial.should_prune()

    def _ended(self, job: Job, ending: Ending) -> None:
        asked: Asked | None = job.tag
        result = self._trial_result(job.name, {} if asked is None else asked.values, ending)
        self.folder.note_ending(result)
        if asked is not None:
            self._saw(job, ending.points)
            self.book.tell(asked.trial, value=result.value, state=result.state)
        shown = "no value" if result.value is None else f"{self.plan.metric} {result.value:.4g}"
        self.context.log(
            f"{job.name} {result.state}, {shown}, {result.seconds:.0f} s{'; ' * bool(result.error)}{result.error}"
        )

    def _trial_result(self, name: str, values: Mapping[str, Any], ending: Ending) -> TrialResult:
        value = value_of(ending.points, best=self.plan.is_validation, larger=self.plan.larger)
        state, error = ending.state, ending.error
        if state == "finished" and value is None:
            state, error = "failed", f"{self.plan.metric} was never written to metrics.jsonl"
        return TrialResult(
            name=name,
            state=state,
            values=values,
            value=None if state == "failed" else value,
            best_step=next((step for step, v in ending.points if v == value), None),
            seconds=ending.seconds,
            peak_memory_gib=None if ending.peak_bytes is None else ending.peak_bytes / 2**30,
            retried=len(ending.kills) - ending.given_up,
            kills=ending.kills,
            error=error,
            points=ending.points,
        )

    def trials(self) -> list[TrialResult]:
        """Return every ended trial, by number."""
        names = [f"{t.number:04d}" for t in self.book.study.get_trials(deepcopy=False)]
        return [found for name in names if (found := self.folder.ending(name)) is not None]

    def best(self) -> TrialResult | None:
        """Return the best finished trial; the first of equals."""
        finished = [t for t in self.trials() if t.state == "finished" and t.value is not None]
        best: TrialResult | None = None
        for trial in finished:
            if best is None or self.plan.better(trial.value or 0.0, best.value or 0.0):
                best = trial
        return best

    def result(self, *, seconds: float) -> SweepResult:
        """Return everything that was found."""
        best = self.best()
        confirmed = None
        if best is not None and self.plan.settings.confirm_seeds:
            confirmed = confirmation(self.plan, best, self.folder.ending)
        return SweepResult(
            stage=self.plan.stage,
            metric=self.plan.metric,
            larger_is_better=self.plan.larger,
            sampler=self.plan.settings.sampler,
            trials=self.trials(),
            baseline=self.folder.ending(BASELINE),
            best=best,
            importance=importances(self.book.study),
            confirmation=confirmed,
            seconds=seconds,
            command=self.context.command,
        )


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _announced(plan: Plan) -> dict[str, Any]:
    n = grid_size(plan.space) if plan.settings.sampler == "grid" else plan.settings.trials
    return {"stage": plan.stage, "metric": plan.metric, "trials": n, "over": [d.key for d in plan.space]}


def _write_best(plan: Plan, folder: SweepFolder, best: TrialResult) -> None:
    head = (
        f"# The best of a sweep of `train {plan.stage}`: trial {best.name}, {plan.metric} {best.value:.6g}\n"
        f"# tunesmith train {plan.stage} --config {shlex.quote(str(folder.best))} --out DIR\n"
    )
    replace_file(folder.best, (head + to_yaml(plan.config(best.values))).encode())


def _summary(result: SweepResult) -> dict[str, Any]:
    best, given = result.best, result.baseline
    summary: dict[str, Any] = {**result.counts(), "metric": result.metric}
    if best is not None:
        summary["best"] = {"trial": best.name, "value": best.value, **best.values}
    summary["given"] = None if given is None else given.value
    if result.confirmation is not None:
        summary["confirmation"] = result.to_json()["confirmation"]
    failed = [t for t in result.trials if t.state == "failed"]
    if failed:
        summary["failures"] = {t.name: t.error for t in failed}
    summary["importance"] = {_last(key): round(share, 3) for key, share in result.importance.items()}
    return summary
