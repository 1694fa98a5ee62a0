"""`tunesmith data check`."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli.console import Console, Outcome

SHOWN = 5


@dataclass(frozen=True, slots=True)
class CheckFlags:
    """Which checks, how, and when it counts as failed."""

    checks: Annotated[
        str | None, typer.Option(help="Names with commas between; without it, all.", show_default=False)
    ] = None
    against: Annotated[
        list[Path] | None,
        typer.Option(help="A file whose texts must not be in the data, such as a test set. Repeatable."),
    ] = None
    config: Annotated[Path | None, typer.Option(help="A YAML file with the checks' settings.", show_default=False)] = (
        None
    )
    set: Annotated[
        list[str], typer.Option(help="check.key=value, such as pii.kinds=[email]. Repeatable.", show_default=False)
    ] = dataclasses.field(default_factory=list)
    fail_on: Annotated[
        str | None, typer.Option(help="error (the default), warning or never: what ends with 3.", show_default=False)
    ] = None
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Show every value and where it came from, stop.")
    ] = False


@dataclass(frozen=True, slots=True)
class Machinery:
    """How the rows are read and where the work is done."""

    format: Annotated[str | None, typer.Option(help="The format; found out without it.", show_default=False)] = None
    model: Annotated[
        str | None, typer.Option(help="A model folder whose tokenizer counts, or desk.", show_default=False)
    ] = None
    max_length: Annotated[int | None, typer.Option(help="Tokens of a row in training.", show_default=False)] = None
    workers: Annotated[
        int | None, typer.Option(help="Processes; one for each core without it.", show_default=False)
    ] = None
    engine: Annotated[str | None, typer.Option(help="local or ray.", show_default=False)] = None


def check(
    console: Console,
    files: Annotated[list[Path], typer.Argument(help="Files or snapshot directories.")],
    check_flags: CheckFlags,
    machinery: Machinery,
    out: Annotated[Path, typer.Option(help="The folder for the report, the findings and the summary.")],
) -> Outcome:
    """Find out what is wrong with a data set, and what to fix first.

    Writes OUT/report.html, OUT/findings.jsonl (one object a finding), OUT/summary.json, and for data split
    OUT/clusters.jsonl. The exit code is 3 when there are findings of the --fail-on severity or a worse one; the files
    checked are never changed.
    """
    from tunesmith.core.config import print_config, resolve
    from tunesmith.core.run_context import RunContext

    recipe = console.surroundings.load_recipe("check_data")
    names = tuple(name.strip() for name in check_flags.checks.split(",")) if check_flags.checks else None
    flags = dataclasses.asdict(machinery) | {"checks": names, "fail_on": check_flags.fail_on}
    flags["against"] = [str(file) for file in check_flags.against] if check_flags.against else None
    resolved = resolve(
        recipe.Config,
        file=check_flags.config,
        sets=check_flags.set,
        flags={**flags, "data": [str(file) for file in files], "out": str(out)},
        env=console.surroundings.environment,
        stage="check_data",
    )
    if check_flags.print_config:
        summary = {"config": resolved.config.model_dump(mode="json"), "origins": resolved.origins}
        return Outcome(summary=summary, lines=print_config(resolved).splitlines())
    context = RunContext(command=shlex.join(("tunesmith", *console.words)), quiet=console.quiet, log=console.log)
    # A library that prints must not put its words between the reader and the one JSON object.
    with contextlib.redirect_stdout(console.surroundings.stderr):
        result = recipe.run(resolved.config, context)
    return Outcome(
        summary=result.summary,
        lines=_lines(result.summary),
        artefacts=result.artefacts,
        exit_code=3 if result.summary["failed"] else 0,
    )


def _lines(summary: Mapping[str, Any]) -> list[str]:
    counts = ", ".join(f"{count:,} {name}s" for name, count in summary["findings"].items())
    lines = [
        f"{summary['rows']:,} rows in {summary['seconds']:.1f} s: {counts}; {summary['bad_rows']:,} rows cannot be read"
    ]
    if summary["fix_first"]:
        lines.append("fix first:")
    for fix in summary["fix_first"][:SHOWN]:
        lines.append(f"  {fix['kind']:<28} {fix['rows']:>8,} rows  {fix['words']}")
    return lines
