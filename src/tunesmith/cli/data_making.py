"""`tunesmith data clean | augment | synthesize | distill`: one recipe each, all alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.stage import StageFlags, run_stage
from tunesmith.cli.verb import verb

Files = Annotated[list[str] | None, typer.Argument(help="Files or snapshot directories.", show_default=False)]
Out = Annotated[Path | None, typer.Option(help="The snapshot directory to make.", show_default=False)]
Names = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verb(app, "clean")(clean)
    verb(app, "augment")(augment)
    verb(app, "synthesize")(synthesize)
    verb(app, "distill")(distill)


def clean(
    console: Console,
    stage_flags: StageFlags,
    files: Files = None,
    out: Out = None,
    fix: Annotated[Names, typer.Option(help="Fixes by name, with commas. Repeatable.", show_default=False)] = None,
    drop: Annotated[Names, typer.Option(help="Drop rows with these findings. Repeatable.", show_default=False)] = None,
    findings: Annotated[Path | None, typer.Option(help="A check's findings.jsonl.", show_default=False)] = None,
) -> Outcome:
    """Repair texts and drop the rows that a check found; what changed and what went is counted and written.

    Without --fix: unicode, invisible, whitespace. More settings: --set key=value (see --print-config).
    """
    flags = {"data": files or None, "out": out, "fix": _split(fix), "drop": _split(drop), "findings": findings}
    return run_stage(console, "clean", stage_flags, flags=_plain(flags))


def augment(
    console: Console,
    stage_flags: StageFlags,
    files: Files = None,
    out: Out = None,
    method: Annotated[Names, typer.Option(help="Methods by name, with commas. Repeatable.", show_default=False)] = None,
) -> Outcome:
    """Add varied copies of records: noise, other words, other manners, traps; the right answer stays right.

    Without --method: all of them. More settings: --set key=value (see --print-config).
    """
    flags = {"data": files or None, "out": out, "methods": _split(method)}
    return run_stage(console, "augment", stage_flags, flags=_plain(flags))


def synthesize(
    console: Console,
    stage_flags: StageFlags,
    files: Files = None,
    out: Out = None,
    method: Annotated[Names, typer.Option(help="Methods by name, with commas. Repeatable.", show_default=False)] = None,
    teacher: Annotated[str | None, typer.Option(help="An http(s) URL or a model folder.", show_default=False)] = None,
    coverage: Annotated[Path | None, typer.Option(help="A check's coverage.json to fill.", show_default=False)] = None,
) -> Outcome:
    """Make new records: exact ones from good outputs, and with a teacher new instructions and deeper ones.

    More settings: --set key=value (see --print-config).
    """
    flags = {"data": files or None, "out": out, "methods": _split(method), "coverage": coverage}
    return run_stage(console, "synthesize", stage_flags, flags=_plain({**flags, "teacher.address": teacher}))


def distill(
    console: Console,
    stage_flags: StageFlags,
    files: Files = None,
    out: Out = None,
    teacher: Annotated[str | None, typer.Option(help="An http(s) URL or a model folder.", show_default=False)] = None,
    allow_local: Annotated[
        bool, typer.Option("--allow-local", help="Let the teacher's address be a private one.")
    ] = False,
) -> Outcome:
    """Let a teacher answer prompts: demonstrations with provenance. Killed, the same command goes on.

    The key of an endpoint comes from the environment variable that teacher.key_variable names.
    """
    flags = {"data": files or None, "out": out, "teacher.address": teacher, "teacher.allow_local": allow_local or None}
    return run_stage(console, "distill_data", stage_flags, flags=_plain(flags))


def _split(names: Names) -> list[str] | None:
    """Return names that were given one by one or with commas between them."""
    return [name for given in names for name in given.split(",") if name] if names else None


def _plain(flags: Mapping[str, object]) -> dict[str, object]:
    """Return flags as configuration values: a path is text there."""
    return {key: str(value) if isinstance(value, Path) else value for key, value in flags.items()}
