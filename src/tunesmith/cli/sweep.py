"""`tunesmith sweep STAGE | lr-range | batch-size`: search over a stage's settings, and find two of them quickly."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli import sweep_tests
from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.stage import outcome_of
from tunesmith.cli.sweep_base import BaseFlags, base_config, context_of
from tunesmith.cli.train import STAGES, Data, Model
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError

Out = Annotated[Path, typer.Option(help="The sweep's folder: to make, or to go on with.")]


@dataclass(frozen=True, slots=True)
class SearchFlags:
    """What is tried; each may also stand in the plan file."""

    over: Annotated[
        list[str], typer.Option(help="key=LOW..HIGH, key=log:LOW..HIGH or key=a,b,c. Repeatable.", show_default=False)
    ] = dataclasses.field(default_factory=list)
    plan: Annotated[Path | None, typer.Option(help="A YAML file with the sweep's own keys.", show_default=False)] = None
    metric: Annotated[str | None, typer.Option(help="Such as validation/loss.", show_default=False)] = None
    trials: Annotated[int | None, typer.Option(help="How many (20).", show_default=False)] = None
    sampler: Annotated[str | None, typer.Option(help="tpe, random or grid.", show_default=False)] = None
    pruner: Annotated[str | None, typer.Option(help="none, median or hyperband.", show_default=False)] = None
    patience: Annotated[
        int | None, typer.Option(help="Validations without improvement that end a trial.", show_default=False)
    ] = None
    preset: Annotated[str | None, typer.Option(help="guide: the ranges of a first search.", show_default=False)] = None


@dataclass(frozen=True, slots=True)
class WorkFlags:
    """How trials run."""

    workers: Annotated[int | None, typer.Option(help="Trials at the same time (1).", show_default=False)] = None
    threads: Annotated[
        int | None, typer.Option(help="Threads of a trial; the cores' share without it.", show_default=False)
    ] = None
    retries: Annotated[
        int | None, typer.Option(help="How often a killed trial is taken up again (2).", show_default=False)
    ] = None
    confirm_seeds: Annotated[
        int | None, typer.Option(help="Seeds with which best and given are compared.", show_default=False)
    ] = None
    no_baseline: Annotated[bool, typer.Option("--no-baseline", help="Do not run the stage as given.")] = False
    engine: Annotated[str | None, typer.Option(help="local or ray.", show_default=False)] = None
    seed: Annotated[int | None, typer.Option(help="The seed of trials and sampler.", show_default=False)] = None


def register(app: typer.Typer) -> None:
    """Add one verb per stage, and the two quick tests."""
    for stage, text in STAGES.items():
        verb(app, stage)(_sweep(stage, text))
    sweep_tests.register(app)


def _sweep(stage: str, text: str) -> Callable[..., Outcome]:
    def sweep(
        console: Console,
        out: Out,
        base: BaseFlags,
        search: SearchFlags,
        work: WorkFlags,
        model: Model = None,
        data: Data = None,
    ) -> Outcome:
        from tunesmith.core.config import resolve
        from tunesmith.sweep.plan import SweepConfig, make_plan
        from tunesmith.sweep.search import run_sweep

        stage_config = base_config(console, stage, base, model=model, data=data, seed=work.seed)
        flags = {"over": overs(search.over) or None, "baseline": False if work.no_baseline else None}
        for group in (search, work):
            flags |= {k: v for k, v in dataclasses.asdict(group).items() if k not in ("over", "plan", "no_baseline")}
        settings = resolve(SweepConfig, file=search.plan, flags=flags)
        plan = make_plan(stage, stage_config.config, settings.config)
        result, code = run_sweep(plan, out, context_of(console, dry_run=base.dry_run))
        return dataclasses.replace(outcome_of(result), exit_code=code)

    sweep.__doc__ = f"Search settings of: {text[0].lower()}{text[1:]}\n\nA killed sweep goes on when started again."
    return sweep


def overs(texts: list[str]) -> dict[str, str]:
    """Return `key=range` texts as a mapping.

    Raises:
        ConfigError: no equals sign, or a key given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise ConfigError("must be written key=range", where=f"--over {text}")
        if key.strip() in found:
            raise ConfigError(f"{key.strip()!r} is given twice", where=f"--over {text}", remedy="keep one")
        found[key.strip()] = value.strip()
    return found
