"""What every verb of `tunesmith sweep` shares: the stage as it is without any trial."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunesmith.cli.console import Console

if TYPE_CHECKING:
    from tunesmith.core.config import Resolved
    from tunesmith.core.run_context import RunContext


@dataclass(frozen=True, slots=True)
class BaseFlags:
    """The stage as it is without any trial."""

    config: Annotated[Path | None, typer.Option(help="A YAML file with the stage's keys.", show_default=False)] = None
    set: Annotated[
        list[str], typer.Option(help="key=value of the stage, for every trial. Repeatable.", show_default=False)
    ] = dataclasses.field(default_factory=list)
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, say what would happen, stop.")] = False


def base_config(
    console: Console,
    stage: str,
    base: BaseFlags,
    *,
    model: str | None,
    data: list[str] | None,
    seed: int | None = None,
) -> Resolved[Any]:
    """Return the stage's configuration as every trial has it."""
    from tunesmith.core.config import resolve

    recipe = console.surroundings.load_recipe(stage)
    flags: Mapping[str, Any] = {"model": model, "data": data or None, "seed": seed}
    return resolve(
        recipe.Config,
        file=base.config,
        sets=base.set,
        flags=flags,
        env=console.surroundings.environment,
        stage=stage,
    )


def context_of(console: Console, *, dry_run: bool = False) -> RunContext:
    """Return how a sweep speaks with the person."""
    from tunesmith.core.run_context import RunContext

    return RunContext(
        command=shlex.join(("tunesmith", *console.words)),
        quiet=console.quiet,
        json=console.json,
        dry_run=dry_run,
        environment=console.surroundings.environment,
        log=console.log,
    )
