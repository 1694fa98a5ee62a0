"""`tunesmith ab offline FILE`: an A/B test from outcomes that were collected elsewhere; and how reports are shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tunesmith.formats.ab_rows import AbRow
    from tunesmith.statistics.ab_test import AbReport, Arm, Better


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns mean what."""

    arm: Annotated[str, typer.Option(help="The column that names the arm.")]
    metric: Annotated[list[str], typer.Option(help="A column of numbers or yes/no; the first decides. Repeatable.")]
    user: Annotated[
        str | None, typer.Option(help="The column that says who; without it each row is a person.", show_default=False)
    ] = None


def register(app: typer.Typer) -> None:
    """Add the verb."""
    verb(app, "offline")(offline)


def direction(word: str) -> Better:
    """Return a direction that was typed.

    Raises:
        ConfigError: it is neither of the two.
    """
    if word == "higher":
        return "higher"
    if word == "lower":
        return "lower"
    raise ConfigError(f"unknown direction {word!r}", where="better", remedy="use higher or lower")


def offline(
    console: Console,
    columns: Columns,
    file: Annotated[Path, typer.Argument(help="CSV, JSON lines or Parquet; rows in the order of time.")],
    control: Annotated[
        str | None, typer.Option(help="The arm the others are compared with; the first by name without it.")
    ] = None,
    share: Annotated[
        list[float] | None,
        typer.Option(help="The shares people were assigned by, control first; checks the sizes of the arms."),
    ] = None,
    better: Annotated[str, typer.Option(help="Which is better: higher or lower.")] = "higher",
    out: Annotated[Path | None, typer.Option(help="Write the page here.", show_default=False)] = None,
) -> Outcome:
    """Compare the arms in a file of outcomes. Each person counts once, however many rows they have."""
    from tunesmith.formats.ab_rows import read_ab_rows
    from tunesmith.statistics.ab_test import Metric, judge_metric, make_report
    from tunesmith.statistics.ab_test import Outcome as Said

    table = read_ab_rows(file, arm=columns.arm, metrics=columns.metric, user=columns.user)
    names = _arm_names(table.rows, control)
    first = _first_arms(table.rows, names)
    arms = _arms(names, share, first)
    results = []
    for index, name in enumerate(columns.metric):
        said = [Said(names.index(row.arm), row.person, row.values[name]) for row in table.rows if name in row.values]
        metric = Metric(name=name, better=direction(better), role="primary" if index == 0 else "secondary")
        results.append(judge_metric(metric, arms, said))
    notes = [f"left out: {n:,} rows, {reason}" for reason, n in table.left_out.most_common()]
    if columns.user is None:
        notes.append("no --user column: every row was taken for a person of its own")
    assigned = list(first.values()) if share else None
    return reported(console, make_report(file.name, arms, results, assigned=assigned, notes=notes), out)


def _arm_names(rows: list[AbRow], control: str | None) -> list[str]:
    names = sorted({row.arm for row in rows})
    if len(names) < 2:
        raise DataError(f"holds one arm only: {names[0]}", remedy="name the right column with --arm")
    if len(names) > 20:
        raise DataError(f"holds {len(names):,} arms", why="20 is the limit", remedy="name the right column with --arm")
    if control is not None and control not in names:
        raise ConfigError(f"no arm {control!r}", where="--control", remedy=f"known: {', '.join(names)}")
    first = control or names[0]
    return [first, *(name for name in names if name != first)]


def _first_arms(rows: list[AbRow], names: list[str]) -> dict[str, int]:
    """Return each person's arm in the order in which people first came."""
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row.person, names.index(row.arm))
    return first


def _arms(names: list[str], share: list[float] | None, first: dict[str, int]) -> list[Arm]:
    from tunesmith.statistics.ab_test import Arm

    if share is None:  # as seen: near enough for the test of proportions, and never a reason to alarm
        seen = list(first.values())
        share = [seen.count(index) / len(seen) for index in range(len(names))]
    elif len(share) != len(names) or abs(sum(share) - 1) > 1e-9 or min(share) <= 0:
        raise ConfigError(f"needs {len(names)} positive shares that sum to 1", where="--share")
    return [Arm(name=name, share=one) for name, one in zip(names, share, strict=True)]


def reported(console: Console, report: AbReport, out: Path | None) -> Outcome:
    """Return a report as what a verb says at its end, and write its page where one is wanted.

    Raises:
        EnvironmentProblem: the page cannot be written.
    """
    import shlex

    from tunesmith.evaluate.ab_report import ab_lines, render_ab_report
    from tunesmith.formats.atomic import replacing

    artefacts = {}
    if out is not None:
        page = render_ab_report(report, command=shlex.join(("tunesmith", *console.words)))
        with replacing(out) as stream:
            stream.write(page.encode())
        artefacts["report"] = str(out)
    return Outcome(summary=report.to_json(), lines=ab_lines(report), artefacts=artefacts)
