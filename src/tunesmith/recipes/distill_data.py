"""Distill: a teacher answers prompts, answers are filtered, the best of n becomes a demonstration."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, cast

from pydantic import Field

from tunesmith.core.errors import DataError, PartialError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.make.distill.ask import ask
from tunesmith.make.distill.distill import Choice, distill, prompts_of, questions
from tunesmith.make.distill.filters import Filters
from tunesmith.make.distill.log import AnswerLog
from tunesmith.make.distill.scorer import Agreement, Scorer
from tunesmith.recipes.teachers import TeacherConfig, asking, open_teacher
from tunesmith.recipes.workshop import WorkshopConfig, rows_of, write_lines
from tunesmith.store import freeze


class Config(WorkshopConfig):
    """Distillation."""

    teacher: TeacherConfig = Field(TeacherConfig(), description="the teacher, its decoding and its budget")
    completions: int = Field(1, ge=1, le=64, description="answers a prompt, of which the best is kept")
    scorer: str = Field("agreement", description="what chooses among several: agreement, or a reward model's folder")
    min_characters: int = Field(1, ge=1, description="shorter answers are left out")
    max_characters: int | None = Field(None, ge=1, description="longer answers are left out")
    keep_refusals: bool = Field(False, description="keep answers that decline to help")
    keep_cut_off: bool = Field(False, description="keep answers that ended at max_tokens")
    reuse: tuple[str, ...] = Field((), description="answers.jsonl of earlier runs, so that nothing is asked twice")


def run(config: Config, context: RunContext) -> RunResult:
    """Ask, filter, choose; write answers.jsonl as they come, then left_out.jsonl and the snapshot."""
    rows = rows_of(config, context)
    records = prompts_of([row.record for row in rows.rows])
    if not records:
        raise DataError("there are no prompts", where=", ".join(config.data))
    todo = questions(records, config.completions)
    out = Path(config.out or ".")
    summary: dict[str, Any] = {"prompts": len(records), "questions": len(todo), "quarantined": len(rows.quarantined)}
    if context.dry_run:
        return RunResult(out=out, summary={"dry_run": True, **summary})
    how = asking(config.teacher, context, config.seed)
    with open_teacher(config.teacher, context) as teacher:
        with AnswerLog(out / "answers.jsonl", [Path(name) for name in config.reuse]) as log:
            asked = ask(teacher, todo, log, how)
        choice = Choice(completions=config.completions, filters=_filters(config), scorer=_scorer(config))
        made = distill(records, asked.answers, teacher, how.decoding, choice)
    write_lines(out / "left_out.jsonl", (item._asdict() for item in made.unanswered))
    summary |= {
        "records": len(made.records),
        "answers": {"new": asked.new, "known": len(asked.answers) - asked.new},
        "tokens": sum(answer.tokens for answer in asked.answers.values()),
        "left_out": dict(made.left_out.most_common()),
        "failed": dict(asked.failed),
        "over_budget": asked.over_budget,
    }
    missing = asked.over_budget + sum(asked.failed.values())
    # A snapshot never changes, so one that more answers may follow has a name of its own.
    folder = out / (f"snapshot-{len(made.records)}" if missing else "snapshot")
    if made.records:
        freeze(made.records, folder, parents=rows.parents)
    if missing:
        for key, value in summary.items():
            context.log(f"{key}: {value}")
        why = "; ".join([*asked.failed, *(["the budget is spent"] if asked.over_budget else [])])
        remedy = "run the same command again, with a higher budget if that was the reason; it goes on from there"
        raise PartialError(f"{missing:,} questions have no answer", where=str(folder), why=why, remedy=remedy)
    if not made.records:
        why = ", ".join(f"{reason}: {n:,}" for reason, n in made.left_out.most_common())
        raise DataError("no answer is left after the filters", where=str(out), why=why)
    return RunResult(
        out=out,
        summary=summary,
        artefacts={"snapshot": str(folder), "answers": str(out / "answers.jsonl")},
        next_command=f"tunesmith train sft --model desk --data {folder} --out runs/sft",
    )


def _filters(config: Config) -> Filters:
    return Filters(
        min_characters=config.min_characters,
        max_characters=config.max_characters,
        refusals=config.keep_refusals,
        cut_off=config.keep_cut_off,
    )


def _scorer(config: Config) -> Scorer | None:
    if config.completions == 1:
        return None
    if config.scorer == Agreement.name:
        return Agreement()
    # torch takes seconds to import, and only a reward model needs it here.
    return cast(Scorer, importlib.import_module("tunesmith.recipes.reward_scorer").RewardScorer(config.scorer))
