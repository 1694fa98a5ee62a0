"""`tunesmith eval run | compare | injection`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.stage import StageFlags, run_stage
from tunesmith.cli.train import Data, Model
from tunesmith.cli.verb import verb

Out = Annotated[Path | None, typer.Option(help="Where the results go.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verb(app, "run")(run)
    verb(app, "compare")(compare)
    verb(app, "injection")(injection)


def run(console: Console, stage_flags: StageFlags, model: Model = None, data: Data = None, out: Out = None) -> Outcome:
    """Measure one model on held-out prompts (those of the built-in desk without --data)."""
    return run_stage(console, "evaluate", stage_flags, flags={"model": model, "data": data or None, "out": out})


def compare(
    console: Console,
    stage_flags: StageFlags,
    first: Annotated[str, typer.Argument(help="A model folder or a run.")],
    second: Annotated[str, typer.Argument(help="The model it is compared with.")],
    data: Data = None,
    out: Out = None,
) -> Outcome:
    """Let two models answer the same prompts and say which is preferred, with the interval."""
    flags = {"model": first, "against": second, "data": data or None, "out": out}
    return run_stage(console, "evaluate", stage_flags, flags=flags)


def injection(console: Console, stage_flags: StageFlags, model: Model = None, out: Out = None) -> Outcome:
    """Say how often a model follows instructions hidden in pages, with and without the frame around them."""
    return run_stage(console, "injection", stage_flags, flags={"model": model, "out": out})
