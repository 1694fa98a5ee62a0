"""Synthesize: exact demonstrations from good outputs; with a teacher new tasks, deeper ones, and missing scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.nearest import did_you_mean
from tunesmith.core.records import Record, record_id
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.make.distill.log import AnswerLog
from tunesmith.make.distill.say import Sayer
from tunesmith.make.rows import table_rows
from tunesmith.make.synthesize import part
from tunesmith.make.synthesize.inverse import INVERSE
from tunesmith.make.synthesize.scenarios import read_coverage
from tunesmith.recipes.teachers import TeacherConfig, asking, open_teacher
from tunesmith.recipes.workshop import WorkshopConfig, require_out, rows_of
from tunesmith.store import freeze

WITH_TEACHER = ("self_instruct", "evolve")
METHODS = (*INVERSE, *WITH_TEACHER, "scenarios")


class Config(WorkshopConfig):
    """Synthesis."""

    methods: tuple[str, ...] = Field(tuple(INVERSE), description=", ".join(METHODS))
    tables: tuple[str, ...] = Field((), description="CSV, JSON or Parquet files whose rows are plain data, no records")
    wanted: int = Field(100, ge=1, description="how many tasks self_instruct is to invent")
    most_rounds: int = Field(200, ge=1, description="self_instruct: ends after so many rounds in any case")
    depth: int = Field(2, ge=1, description="evolve: steps one on top of the other")
    coverage: str | None = Field(None, description="scenarios: a JSON file, task -> scenario -> count")
    per_cell: int = Field(10, ge=1, description="scenarios: how many records a cell is to have")
    teacher: TeacherConfig = Field(TeacherConfig(), description="the teacher, its decoding and its budget")


def run(config: Config, context: RunContext) -> RunResult:
    """Make records by each method in turn, and write the snapshot."""
    chosen = _chosen(config)
    require_out(config, context)
    parents: list[str] = []
    records: list[Record] = []
    if config.data:
        rows = rows_of(config, context)
        records, parents = [row.record for row in rows.rows], list(rows.parents)
    for name in config.tables:
        found = table_rows(Path(name))
        records += found.records
        parents.append(found.sha256)
        context.log(f"{name}: {len(found.records):,} rows of data, {found.left_out:,} left out")
    if not records and set(chosen) != {"self_instruct"}:
        raise ConfigError("no files", where="data", remedy="name files, snapshot folders, or --set tables=[FILE]")
    out = Path(config.out or ".")
    parts = list(_parts(config, context, chosen, records))
    kept = list({record_id(record): record for made in parts for record in made.records}.values())
    summary: dict[str, Any] = {"records_before": len(records), "records": len(kept)}
    for made in parts:
        summary |= made.summary
    if context.dry_run:
        return RunResult(out=out, summary={"dry_run": True, **summary})
    if not kept:
        raise DataError("nothing could be made", where=", ".join(chosen), why=str(summary))
    freeze(kept, out / "snapshot", parents=parents)
    folder = str(out / "snapshot")
    next_command = f"tunesmith data show {folder}"
    return RunResult(out=out, summary=summary, artefacts={"snapshot": folder}, next_command=next_command)


def _chosen(config: Config) -> tuple[str, ...]:
    for name in config.methods:
        if name not in METHODS:
            raise ConfigError(f"unknown method {name!r}", where="methods", remedy=did_you_mean(name, METHODS))
    if config.coverage:
        return tuple(dict.fromkeys([*(m for m in config.methods if "methods" in config.model_fields_set), "scenarios"]))
    if "scenarios" in config.methods:
        raise ConfigError("scenarios needs a matrix", where="coverage", remedy="give --coverage FILE.json")
    return config.methods


def _parts(
    config: Config, context: RunContext, chosen: Sequence[str], records: Sequence[Record]
) -> Iterator[part.Part]:
    yield part.exact(records, [name for name in chosen if name in INVERSE], seed=config.seed)
    asks = any(name in WITH_TEACHER for name in chosen)
    if not asks and not config.teacher.address:
        if "scenarios" in chosen:
            yield part.filled(records, _coverage(config), per_cell=config.per_cell, seed=config.seed)
        return
    if context.dry_run:
        context.log("a dry run asks no teacher")
        return
    with open_teacher(config.teacher, context) as teacher, AnswerLog(Path(config.out) / "answers.jsonl") as log:
        say = Sayer(teacher, log, asking(config.teacher, context, config.seed))
        origin: dict[str, Any] = {"seed": config.seed, "teacher": teacher.name}
        if "self_instruct" in chosen:
            yield part.invented(say, records, wanted=config.wanted, most_rounds=config.most_rounds, **origin)
        if "evolve" in chosen:
            yield part.deepened(say, records, depth=config.depth, **origin)
        if "scenarios" in chosen:
            yield part.filled(records, _coverage(config), per_cell=config.per_cell, say=say, **origin)
        yield part.Part((), {"new_answers": say.new})


def _coverage(config: Config) -> Mapping[str, Mapping[str, int]]:
    return read_coverage(Path(config.coverage or ""))
