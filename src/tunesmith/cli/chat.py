"""`tunesmith chat RUN`: talk with a trained model in the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.stage import StageFlags, run_stage
from tunesmith.cli.verb import verb


def register(app: typer.Typer, name: str) -> None:
    """Add the verb."""
    verb(app, name)(chat)


def chat(
    console: Console,
    stage_flags: StageFlags,
    run: Annotated[str, typer.Argument(help="A run directory or a model folder.")],
    message: Annotated[
        list[str] | None, typer.Option(help="Say this instead of reading the keyboard. Repeatable.", show_default=False)
    ] = None,
    workspace: Annotated[
        str | None,
        typer.Option(help="A folder of pages to answer from; a receipt says what went in.", show_default=False),
    ] = None,
    embedder: Annotated[
        str | None, typer.Option(help="Find passages by meaning too, with this model.", show_default=False)
    ] = None,
    page: Annotated[
        list[str] | None,
        typer.Option(help="Put this page of the workspace in, first of all. Repeatable.", show_default=False),
    ] = None,
) -> Outcome:
    """Talk with a model. An empty line or Ctrl-D ends the conversation; with --json it is printed at the end."""
    flags = {"model": run, "workspace": workspace, "embedder": embedder, "page": page or None}
    return run_stage(console, "chat", stage_flags, flags=flags, read=_script(message) if message else None)


def _script(lines: list[str]) -> Callable[[str], str | None]:
    waiting = iter(lines)
    return lambda _question: next(waiting, None)
