"""Run one recipe from the command line: resolve its configuration, call it, hand its result on."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli.allocator import keep_freed_memory
from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.summary_text import summary_lines
from tunesmith.core.run_context import RunContext, RunResult


@dataclass(frozen=True, slots=True)
class StageFlags:
    """The options that every stage has."""

    config: Annotated[Path | None, typer.Option(help="A YAML file with this stage's keys.", show_default=False)] = None
    set: Annotated[
        list[str], typer.Option(help="key=value; a full dotted key or its last part. Repeatable.", show_default=False)
    ] = dataclasses.field(default_factory=list)
    seed: Annotated[int | None, typer.Option(help="The seed of everything random.", show_default=False)] = None
    resume: Annotated[str, typer.Option(help="auto, never, or a checkpoint directory.")] = "auto"
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, say what would happen, stop.")] = False
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Show every value and where it came from, stop.")
    ] = False


def run_stage(
    console: Console,
    stage: str,
    stage_flags: StageFlags,
    *,
    flags: Mapping[str, Any],
    read: Callable[[str], str | None] | None = None,
) -> Outcome:
    """Resolve the configuration of `tunesmith.recipes.<stage>` and run it.

    `flags` are the verb's own options by configuration key, None meaning not given; `read` replaces the keyboard.

    Raises:
        ConfigError: the configuration is wrong; nothing has been written then.
    """
    from tunesmith.core.config import print_config, resolve

    recipe = console.surroundings.load_recipe(stage)
    resolved = resolve(
        recipe.Config,
        file=stage_flags.config,
        sets=stage_flags.set,
        flags={**flags, "seed": stage_flags.seed},
        env=console.surroundings.environment,
        stage=stage,
    )
    if stage_flags.print_config:
        summary = {"config": resolved.config.model_dump(mode="json"), "origins": resolved.origins}
        return Outcome(summary=summary, lines=print_config(resolved).splitlines())
    context = RunContext(
        command=shlex.join(("tunesmith", *console.words)),
        quiet=console.quiet,
        json=console.json,
        dry_run=stage_flags.dry_run,
        resume=stage_flags.resume,
        environment=console.surroundings.environment,
        log=console.log,
        write=console.write,
        read=read or console.surroundings.read_line,
    )
    keep_freed_memory(console.surroundings.environment)
    # A library that prints must not put its words between the reader and the one JSON object.
    with contextlib.redirect_stdout(console.surroundings.stderr):
        result = recipe.run(resolved.config, context)
    return outcome_of(result)


def outcome_of(result: RunResult) -> Outcome:
    """Return a stage's result as what a verb says at its end."""
    return Outcome(
        summary={"out": str(result.out), **result.summary},
        lines=result.lines or summary_lines(result.summary),
        artefacts=result.artefacts or {"out": str(result.out)},
        next_command=result.next_command,
    )
