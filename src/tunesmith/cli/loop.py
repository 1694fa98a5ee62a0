"""`tunesmith loop`: the loop's rounds again and again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.stage import StageFlags, run_stage
from tunesmith.cli.train import Model
from tunesmith.cli.verb import verb


def register(app: typer.Typer, name: str) -> None:
    """Add the verb."""
    verb(app, name)(loop)


def loop(
    console: Console,
    stage_flags: StageFlags,
    rounds: Annotated[int | None, typer.Option(help="At most how many rounds.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="Where the rounds and the report go.", show_default=False)] = None,
    model: Model = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="A folder where people's rankings lie as round-NN.jsonl; simulated labelers without it."),
    ] = None,
) -> Outcome:
    """Run rounds of: collect rankings, train the reward model, PPO, compare; promote a policy only if it is better.

    Stops when a round is no better, or when its policy exploits the reward model. A killed loop goes on when started
    again.
    """
    flags = {"rounds": rounds, "out": out, "model": model, "labels": None if labels is None else str(labels)}
    return run_stage(console, "loop", stage_flags, flags=flags)
