"""Synthesize: exact demonstrations from good outputs; with a teacher new tasks, deeper ones, and missing scenarios."""

from __future__ import annotations

from collections.abc import Sequence
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
from tunesmith.make.synthesize.evolve import evolve
from tunesmith.make.synthesize.inverse import INVERSE, synthesize
from tunesmith.make.synthesize.scenarios import fill, gaps, read_coverage
from tunesmith.make.synthesize.self_instruct import demonstration_of, own_seeds, seeds_of, self_instruct
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
    made, summary = _make(config, context, chosen, records)
    kept = list({record_id(record): record for record in made}.values())
    summary = {"records_before": len(records), "records": len(kept), **summary}
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


def _make(
    config: Config, context: RunContext, chosen: Sequence[str], records: Sequence[Record]
) -> tuple[list[Record], dict[str, Any]]:
    exact = synthesize(records, [name for name in chosen if name in INVERSE], seed=config.seed)
    made: list[Record] = list(exact.records)
    summary: dict[str, Any] = {"made": dict(exact.made), "left_out": dict(exact.left_out.most_common())}
    asks = [name for name in chosen if name in WITH_TEACHER]
    if context.dry_run and (asks or config.teacher.address):
        context.log("a dry run asks no teacher")
        return made, summary
    if not asks and not config.teacher.address:
        if "scenarios" in chosen:
            _fill(config, records, None, "", made, summary)
        return made, summary
    how = asking(config.teacher, context, config.seed)
    with (
        open_teacher(config.teacher, context) as teacher,
        AnswerLog(Path(config.out) / "answers.jsonl") as log,
    ):
        say = Sayer(teacher, log, how)
        if "self_instruct" in chosen:
            seeds = seeds_of(records) or own_seeds()
            tasks = self_instruct(say, seeds, wanted=config.wanted, most_rounds=config.most_rounds, seed=config.seed)
            origin: dict[str, object] = {"method": "self_instruct", "seed": config.seed, "teacher": teacher.name}
            made += [demonstration_of(task, origin) for task in tasks.tasks]
            summary["self_instruct"] = {
                "made": len(tasks.tasks),
                "rounds": tasks.rounds,
                "left_out": dict(tasks.left_out.most_common()),
            }
        if "evolve" in chosen:
            deeper = evolve(say, records, depth=config.depth, seed=config.seed, teacher=teacher.name)
            made += deeper.records
            summary["evolve"] = {"made": len(deeper.records), "left_out": dict(deeper.left_out.most_common())}
        if "scenarios" in chosen:
            _fill(config, records, say, teacher.name, made, summary)
        summary["new_answers"] = say.new
    return made, summary


def _fill(
    config: Config,
    records: Sequence[Record],
    say: Sayer | None,
    teacher: str,
    made: list[Record],
    summary: dict[str, Any],
) -> None:
    cells = gaps(read_coverage(Path(config.coverage or "")), config.per_cell)
    filled = fill(records, cells, seed=config.seed, say=say, teacher=teacher)
    made += filled.records
    summary["scenarios"] = {"cells": len(cells), "made": dict(filled.made), "short": filled.short}
