"""`tunesmith sweep lr-range | batch-size`: two settings found by a quick test instead of a search."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.stage import outcome_of
from tunesmith.cli.sweep_base import BaseFlags, base_config, context_of
from tunesmith.cli.train import STAGES, Data, Model
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError

Stage = Annotated[str, typer.Argument(help="The stage, such as sft.")]
Out = Annotated[Path, typer.Option(help="The folder to make.")]


@dataclass(frozen=True, slots=True)
class Rates:
    """The range of the test."""

    low: Annotated[float, typer.Option(help="The first learning rate.")] = 1e-6
    high: Annotated[float, typer.Option(help="The last one.")] = 1.0
    steps: Annotated[int, typer.Option(help="Optimizer steps.")] = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the growing ends."""

    memory_limit: Annotated[
        float | None, typer.Option(help="GiB that training may take; 90 % of what is free without it.")
    ] = None
    largest: Annotated[int, typer.Option(help="Tokens at which to stop.")] = 65536


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verb(app, "lr-range")(lr_range)
    verb(app, "batch-size")(batch_size)


def lr_range(
    console: Console,
    stage: Stage,
    out: Out,
    base: BaseFlags,
    rates: Rates,
    model: Model = None,
    data: Data = None,
) -> Outcome:
    """Find a learning rate to begin with: one short run whose rate rises until the loss does."""
    from tunesmith.sweep.lr_range import Span, run_lr_range

    config = base_config(console, _known(stage), base, model=model, data=data).config
    return outcome_of(run_lr_range(stage, config, out, context_of(console), Span(rates.low, rates.high, rates.steps)))


def batch_size(
    console: Console,
    stage: Stage,
    out: Out,
    base: BaseFlags,
    limits: Limits,
    model: Model = None,
    data: Data = None,
) -> Outcome:
    """Find the largest micro_batch_tokens that fits into memory, by measuring it in child processes."""
    from tunesmith.sweep.batch_size import run_batch_size

    config = base_config(console, _known(stage), base, model=model, data=data).config
    context = context_of(console)
    return outcome_of(
        run_batch_size(stage, config, out, context, limit_gib=limits.memory_limit, largest=limits.largest)
    )


def _known(stage: str) -> str:
    if stage not in STAGES:
        raise ConfigError(f"unknown stage {stage!r}", where="STAGE", remedy=f"use one of {', '.join(STAGES)}")
    return stage
