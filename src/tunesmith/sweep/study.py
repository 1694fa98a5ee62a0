"""The sweep's memory: Optuna's study in a journal file, which knows every trial's values, points and ending.

Optuna chooses values and judges which trials are hopeless; trials run elsewhere (ask and tell). A trial that was under
way when the sweep was killed is still RUNNING in the file and is taken up again with the same values.
"""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import optuna
from optuna import Study, Trial
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from tunesmith.core.errors import ConfigError
from tunesmith.sweep.plan import Plan, SweepConfig
from tunesmith.sweep.space import Choices, Dimension

NAME = "sweep"


class Asked(NamedTuple):
    """A trial to run: its number in the study, Optuna's handle, its values by key, and the last step it knows of."""

    number: int
    trial: Trial
    values: dict[str, Any]
    reported: int


class TrialBook:
    """Asks Optuna for trials, oldest unfinished ones first, and tells it how they ended."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        settings = plan.settings
        journal = folder / "study.journal"
        cut_torn_line(journal)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            self.study: Study = optuna.create_study(
                storage=JournalStorage(JournalFileBackend(str(journal))),
                study_name=NAME,
                load_if_exists=True,
                direction="maximize" if plan.larger else "minimize",
                sampler=_sampler(settings, before=0),
                pruner=_pruner(settings, plan),
            )
            # A sampler that starts with the same seed after an interruption would choose the same values again.
            self.study.sampler = _sampler(settings, before=len(self.study.trials))
        if settings.sampler == "grid":
            self._enqueue_grid()
        self.total = grid_size(plan.space) if settings.sampler == "grid" else settings.trials
        self._unfinished = self._running()

    def ask(self) -> Asked | None:
        """Return the next trial, None when there are as many as asked for."""
        trial, reported = next(self._unfinished, (None, -1))
        if trial is None:
            begun = sum(t.state != TrialState.WAITING for t in self.study.get_trials(deepcopy=False))
            if begun >= self.total:
                return None
            trial = self.study.ask()
        values = {dimension.key: dimension.suggest(trial) for dimension in self.plan.space}
        return Asked(trial.number, trial, values, reported)

    def tell(self, trial: Trial, *, value: float | None, state: str) -> None:
        """Note how a trial ended. A pruned one is worth its last report, which Optuna looks up itself."""
        if state == "finished" and value is not None:
            self.study.tell(trial, value)
        else:
            self.study.tell(trial, state=TrialState.PRUNED if state == "pruned" else TrialState.FAIL)

    def _running(self) -> Iterator[tuple[Trial, int]]:
        for frozen in self.study.get_trials(states=(TrialState.RUNNING,)):
            yield Trial(self.study, frozen._trial_id), max(frozen.intermediate_values, default=-1)

    def _enqueue_grid(self) -> None:
        names = [dimension.key for dimension in self.plan.space]
        grids = [_stored_grid(dimension) for dimension in self.plan.space]
        for values in itertools.product(*grids):
            self.study.enqueue_trial(dict(zip(names, values, strict=True)), skip_if_exists=True)


def cut_torn_line(journal: Path) -> None:
    """Take away the last line of a journal if a kill left it half-written; the next one would be glued to it."""
    if journal.exists():
        whole, newline, _ = journal.read_bytes().rpartition(b"\n")
        os.truncate(journal, len(whole) + len(newline))


LEAST = 10  # finished trials; with fewer, the shares are an accident of which ones were drawn


def importances(study: Study) -> dict[str, float]:
    """Return how much of the result each key explains among the finished trials (PED-ANOVA); shares that sum to 1.

    Empty where too few trials finished, or where nothing differed between them.
    """
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    varied = {key for t in finished for key in t.params if t.params[key] != finished[0].params.get(key)}
    if len(finished) < LEAST or not varied:
        return {}
    found = optuna.importance.get_param_importances(study)
    return {key: float(share) for key, share in found.items()}


def distributions(space: Sequence[Dimension]) -> dict[str, BaseDistribution]:
    """Return the space in Optuna's words, to compare a stored study with."""
    trial = optuna.create_study().ask()
    for dimension in space:
        dimension.suggest(trial)
    return trial.distributions


def grid_size(space: Sequence[Dimension]) -> int:
    """Return how many trials the full grid has."""
    size = 1
    for dimension in space:
        size *= len(dimension.grid())
    return size


def check_grid(settings: SweepConfig, space: Sequence[Dimension]) -> None:
    """Raise ConfigError where a dimension has no grid, or its values lie beside what the range allows."""
    for dimension in space:
        for value in dimension.grid():
            if not isinstance(dimension, Choices) and not dimension.low <= value <= dimension.high:
                raise ConfigError(f"{value} lies outside the range", where=f"--over {dimension.key}")


def _stored_grid(dimension: Dimension) -> list[Any]:
    values = dimension.grid()
    return [dimension.stored(value) for value in values] if isinstance(dimension, Choices) else values


def _sampler(settings: SweepConfig, *, before: int) -> optuna.samplers.BaseSampler:
    seed = settings.seed * 100_003 + before
    if settings.sampler == "tpe":
        # multivariate: learning rate and batch size are not independent. constant_liar: parallel trials spread out.
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
    return optuna.samplers.RandomSampler(seed=seed)


def _pruner(settings: SweepConfig, plan: Plan) -> optuna.pruners.BasePruner:
    every = plan.base.model_dump()["engine"]["validate_every"]
    if settings.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=settings.startup_trials, n_warmup_steps=every)
    if settings.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=max(1, every))
    return optuna.pruners.NopPruner()
