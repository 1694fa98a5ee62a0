"""Find out what is wrong with a data set: findings.jsonl, summary.json and report.html in one folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import orjson
from pydantic import Field

from tunesmith.checks.advice import fixes
from tunesmith.checks.engines import EngineName
from tunesmith.checks.known import CheckPlan, CheckSettings, chosen
from tunesmith.checks.references import SNAPSHOT_RECORDS, read_reference
from tunesmith.checks.run import Checked, Progress, run_checks
from tunesmith.checks.summary import summary_of
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.desk.weights import shipped_base
from tunesmith.evaluate.data_report import DataReport, render_data_report
from tunesmith.evaluate.wording import duration
from tunesmith.formats.atomic import replacing
from tunesmith.train.durable import json_bytes

MANY_BYTES = 64 * 2**20
SECONDS_BETWEEN_LINES = 5.0
# For `data split --clusters` and `data synthesize --coverage`; the second only where rows are labelled.
OTHERS: Mapping[str, str] = {"clusters": "clusters.jsonl", "coverage": "coverage.json"}


class Config(CheckSettings):
    """Checks of a data set."""

    data: tuple[str, ...] = Field((), description="files in any known format, or snapshots")
    out: str = Field("", description="the folder for report.html, findings.jsonl and summary.json")
    checks: tuple[str, ...] = Field((), description="which checks to run; none named = all")
    against: tuple[str, ...] = Field((), description="files whose texts must not be in the data, such as test sets")
    format: str | None = Field(None, description="the files' format; found out without it")
    model: str = Field("desk", description="a model folder whose tokenizer counts, or desk")
    max_length: int = Field(512, ge=2, description="tokens of a row in training; what is longer is reported")
    fail_on: Literal["error", "warning", "never"] = Field("error", description="exit code 3 from this severity on")
    workers: int = Field(0, ge=0, description="processes; 0 = one for each core")
    engine: EngineName = Field("local", description="local, or ray (needs tunesmith[ray])")


def run(config: Config, context: RunContext) -> RunResult:
    """Check, write, and say what to fix first."""
    if not config.data or not config.out:
        raise ConfigError("files and an output folder are needed", remedy="give FILE... and --out DIR")
    paths, out = [Path(name) for name in config.data], Path(config.out)
    plan = plan_of(config, paths)
    started = time.monotonic()
    with replacing(out / "findings.jsonl") as findings:
        checked = run_checks(
            paths,
            plan,
            findings,
            format=config.format,
            engine=config.engine,
            workers=config.workers or os.cpu_count() or 1,
            progress=_progress(paths, context.log),
        )
    if plan.reference is None and not config.checks:
        checked.notes.append("leakage was not looked for: give --against FILE, such as a test set")
    seconds = time.monotonic() - started
    ranked = fixes(checked, config.data, config.out)
    summary = summary_of(checked, config.fail_on) | {
        "seconds": round(seconds, 2),
        "fix_first": [f._asdict() for f in ranked],
    }
    report = DataReport(checked, ranked, config.model_dump(mode="json"), context.command, seconds)
    written = {"summary.json": json_bytes(summary), "report.html": render_data_report(report).encode()}
    for name, content in (written | _others(checked, out)).items():
        with replacing(out / name) as file:
            file.write(content)
    for note in checked.notes:
        context.log(note)
    names = {"report": "report.html", "findings": "findings.jsonl", "summary": "summary.json"}
    names |= {name: file for name, file in OTHERS.items() if (out / file).exists()}
    return RunResult(out=out, summary=summary, artefacts={name: str(out / file) for name, file in names.items()})


def plan_of(config: Config, paths: Sequence[Path]) -> CheckPlan:
    """Return the plan: names checked, the tokenizer's folder found, the share of rows to measure decided."""
    settings = CheckSettings.model_validate({name: getattr(config, name) for name in CheckSettings.model_fields})
    if settings.tokens.every is None:
        every = 20 if sum(map(_size, paths)) > MANY_BYTES else 1
        settings = settings.model_copy(update={"tokens": settings.tokens.model_copy(update={"every": every})})
    folder = shipped_base() if config.model == "desk" else Path(config.model)
    names = chosen(config.checks, against=bool(config.against))
    against = [Path(name) for name in config.against]
    return CheckPlan(
        names,
        settings.model_dump_json(),
        str(folder),
        config.max_length,
        several_files=len(paths) > 1,
        reference=read_reference(against, settings.leakage) if against else None,
    )


def _others(checked: Checked, out: Path) -> dict[str, bytes]:
    """Return what some checks write for other verbs; what an older check left for them is removed."""
    for name in OTHERS.values():
        (out / name).unlink(missing_ok=True)
    files: dict[str, bytes] = {}
    if duplicates := checked.results.get("duplicates"):
        lines = [orjson.dumps(row._asdict(), option=orjson.OPT_APPEND_NEWLINE) for row in duplicates.clusters]
        files[OTHERS["clusters"]] = b"".join(lines)
    if (coverage := checked.results.get("coverage")) and coverage.numbers["labelled_rows"]:
        matrix = coverage.plots["matrix"]
        if not matrix["guessed"]:
            rows = zip(matrix["tasks"], matrix["counts"], strict=True)
            cells = {task: dict(zip(matrix["scenarios"], counts, strict=True)) for task, counts in rows}
            files[OTHERS["coverage"]] = json_bytes({"matrix": cells})
    return files


def _size(path: Path) -> int:
    file = path / SNAPSHOT_RECORDS if path.is_dir() else path
    return file.stat().st_size if file.is_file() else 0


def _progress(paths: Sequence[Path], log: Callable[[str], None]) -> Callable[[Progress], None]:
    """Return what says every few seconds how far it is, and how long it will take where the files' sizes tell."""
    total, done = sum(map(_size, paths)), 0
    started = spoken = time.monotonic()

    def speak(progress: Progress) -> None:
        nonlocal done, spoken
        done += progress.data_bytes
        now = time.monotonic()
        if now - spoken < SECONDS_BETWEEN_LINES:
            return
        spoken = now
        line = f"{progress.rows:,} rows checked, {progress.rows / (now - started):,.0f} rows/s"
        if 0 < done < total:
            line += f", {done / total:.0%}, {duration((now - started) * (total - done) / done)} to go"
        log(line)

    return speak
