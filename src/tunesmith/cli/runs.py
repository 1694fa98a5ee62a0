"""`tunesmith runs ls | show | compare`: what the run directories say of themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.summary_text import summary_lines, value_text
from tunesmith.cli.verb import verb
from tunesmith.core.errors import ConfigError

RunPath = Annotated[Path, typer.Argument(help="A run directory.")]
SIDE_BY_SIDE = 4  # more runs than that become rows instead of columns


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verb(app, "ls")(ls)
    verb(app, "show")(show)
    verb(app, "compare")(compare)


def ls(console: Console, folder: Annotated[Path, typer.Argument(help="Where the runs are.")] = Path("runs")) -> Outcome:
    """List the runs under a folder."""
    from tunesmith.evaluate.run_reading import find_runs, read_status

    if not folder.is_dir():
        raise ConfigError("no such directory", where=str(folder), remedy="name the folder that holds the runs")
    names = ("state", "step", "time")
    rows = []
    for path in find_runs(folder):
        status = read_status(path)
        rows.append({"run": str(path), **{name: status.get(name) for name in names}})
    lines = _table([("run", *names), *[tuple(value_text(v) for v in row.values()) for row in rows]])
    return Outcome(summary={"runs": rows}, lines=lines if rows else [f"no runs under {folder}"])


def show(console: Console, run: RunPath) -> Outcome:
    """Show a run's status, configuration and newest metrics."""
    from tunesmith.evaluate.run_reading import read_run

    reading = read_run(run)
    if reading.torn_lines:
        console.warn(f"{run}/metrics.jsonl: {reading.torn_lines} line(s) cut short by an interruption, left out")
    summary = {"run": str(run), "status": reading.status, "config": reading.config, "metrics": reading.metrics}
    return Outcome(summary=summary, lines=summary_lines(summary))


def compare(
    console: Console,
    runs: Annotated[list[Path], typer.Argument(help="Two or more run directories, or folders that hold runs.")],
    out: Annotated[Path | None, typer.Option(help="An HTML page with the curves.", show_default=False)] = None,
) -> Outcome:
    """Show where the configurations of runs differ, and their newest metrics side by side."""
    from tunesmith.evaluate.run_reading import compare_runs, find_runs, read_run

    chosen = [path for run in runs for path in ([run] if (run / "STATUS.json").is_file() else find_runs(run) or [run])]
    if len(chosen) < 2:
        raise ConfigError("needs two runs or more", where="runs compare")
    readings = [read_run(run) for run in chosen]
    found = compare_runs(readings)
    if out is not None:
        from tunesmith.evaluate.run_page import write_run_page

        write_run_page(readings, out)
    columns = [("", *found.runs)]
    for key, values in {**found.differing, **found.metrics}.items():
        columns.append((key, *[value_text(value) for value in values]))
    rows = columns if len(chosen) <= SIDE_BY_SIDE else list(zip(*columns, strict=True))
    return Outcome(
        summary={"runs": found.runs, "differing": found.differing, "metrics": found.metrics},
        lines=_table(rows),
        artefacts={} if out is None else {"page": str(out)},
    )


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
