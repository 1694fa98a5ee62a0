"""`tunesmith doctor`: what this machine has, what is wrong with it, and which model size fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.summary_text import summary_lines
from tunesmith.cli.verb import verb
from tunesmith.core.errors import EnvironmentProblem


def register(app: typer.Typer, name: str) -> None:
    """Add the verb."""
    verb(app, name)(doctor)


def doctor(console: Console) -> Outcome:
    """Check the machine: versions, processor, memory, disk, speed; say what to do and which model size fits.

    Exit code 5: something is red, and the work would fail.
    """
    from tunesmith.machine.facts import facts
    from tunesmith.machine.verdicts import findings, suits

    console.log("measuring the speed of matrix products...")
    found = facts()
    wrong = [finding._asdict() for finding in findings(found)]
    sizes = suits(found)
    surroundings = console.surroundings
    colours = surroundings.stdout.isatty() and "NO_COLOR" not in surroundings.environment
    red = any(finding["level"] == "red" for finding in wrong)
    return Outcome(
        summary={**found, "findings": wrong, "fits": sizes},
        lines=[*summary_lines(found), "", *fit_lines(sizes), *(_line(f, colours) for f in wrong)],
        next_command="tunesmith quickstart --out runs/quickstart",
        exit_code=EnvironmentProblem.exit_code if red else 0,
    )


def fit_lines(sizes: Mapping[str, str | None]) -> list[str]:
    """Return the sizes as lines for people."""
    return [f"{use.replace('_', ' ')}: up to {size or 'nothing'} parameters fit" for use, size in sizes.items()]


def _line(finding: Mapping[str, Any], colours: bool) -> str:
    """Return a finding as one line, in its colour on a terminal."""
    text = f"{finding['level'].upper()}: {finding['what']}. {finding['remedy'][:1].upper()}{finding['remedy'][1:]}."
    code = {"red": "31", "yellow": "33"}[finding["level"]]
    return f"\x1b[{code}m{text}\x1b[0m" if colours else text
