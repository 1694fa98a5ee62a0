"""`tunesmith export RUN --out DIR`: a run's model for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.stage import StageFlags, run_stage
from tunesmith.cli.verb import verb


def register(app: typer.Typer, name: str) -> None:
    """Add the verb."""
    verb(app, name)(export)


def export(
    console: Console,
    stage_flags: StageFlags,
    run: Annotated[str, typer.Argument(help="A run, a quickstart, or a model folder.")],
    out: Annotated[Path, typer.Option(help="The folder to write; it must not be there yet.")],
    adapter: Annotated[bool, typer.Option("--adapter", help="Also the LoRA adapter, in peft's format.")] = False,
    gguf: Annotated[bool, typer.Option("--gguf", help="Also one GGUF file, for llama.cpp.")] = False,
    licence: Annotated[
        str | None, typer.Option(help="The model's licence, for its card; none is assumed.", show_default=False)
    ] = None,
) -> Outcome:
    """Write a run's model as an ordinary folder with a model card; with --adapter and --gguf in these forms too."""
    flags = {"run": run, "out": str(out), "adapter": adapter or None, "gguf": gguf or None, "licence": licence}
    return run_stage(console, "export", stage_flags, flags=flags)
