"""`tunesmith quickstart`: the whole loop in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.stage import StageFlags, run_stage
from tunesmith.cli.train import Data, Model
from tunesmith.cli.verb import verb


def register(app: typer.Typer, name: str) -> None:
    """Add the verb."""
    verb(app, name)(quickstart)


def quickstart(
    console: Console,
    stage_flags: StageFlags,
    out: Annotated[Path | None, typer.Option(help="Where the runs and the report go.", show_default=False)] = None,
    data: Data = None,
    model: Model = None,
    full: Annotated[bool, typer.Option("--full", help="With the experiments that take up to 30 minutes.")] = False,
) -> Outcome:
    """Base model -> SFT -> rankings -> reward model -> PPO-ptx, each measured; writes report.html and results.json."""
    flags = {"out": out, "data": data or None, "model": model, "full": full or None}
    return run_stage(console, "quickstart", stage_flags, flags=flags)
