"""Distil a teacher into a smaller student, on the student's own samples (GKD, arXiv 2306.13649).

1. demonstrations, or prompts alone with `lmbda: 1`; 2. student and frozen teacher with the same tokens and the same
template; 3. at each step the student answers, or a row of the data is taken; 4. the generalised Jensen-Shannon
divergence between both distributions at each token of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pydantic import Field

from tunesmith.algorithms.distillation import (
    DistillationSettings,
    DistillObjective,
    DistillSource,
    StudentSampler,
    mean_divergence,
)
from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Demonstration, Prompt
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.data.batch import TokenBatch, TokenSequence, pack
from tunesmith.model.load import LanguageModel, frozen
from tunesmith.model.same_tokens import require_same_tokens
from tunesmith.recipes.stage import Stage, StageConfig, batches_in_order, held_out, require_one_process, walk_of
from tunesmith.text.render import RenderReport, render_demonstrations, render_prompts
from tunesmith.train.task import TrainingTask


class Config(StageConfig):
    """On-policy distillation (GKD)."""

    model: str = Field("", description="the student: a chat model, such as one made by `tunesmith train sft`")
    teacher: str = Field("", description="the teacher's model folder; the same tokenizer and chat template")
    global_batch_size: int = Field(16, ge=1, description="completions in one optimizer step")
    num_train_epochs: float = Field(1.0, gt=0, description="passes over the rows")
    distillation: DistillationSettings = Field(DistillationSettings(), description="divergence and on-policy share")


def run(config: Config, context: RunContext) -> RunResult:
    """Distil and save the student."""
    require_one_process("distill", context)
    stage = Stage("distill", config, context)
    student = stage.open(config.model)
    teacher = open_teacher(stage, config.teacher, student)
    settings = config.distillation
    kind = "demonstration" if settings.lmbda < 1 else "prompt"
    training, validation = held_out(stage.read([kind]), config.validation_fraction, config.seed)
    prompts = prompts_of(training, student, config, context) if settings.lmbda > 0 else []
    rows = rows_of(training, student, config, context) if settings.lmbda < 1 else []
    checks = rows_of(validation, student, config, context) if settings.lmbda < 1 and validation else []
    walk = walk_of(
        config, stage.world, global_batch_size=config.global_batch_size, num_train_epochs=config.num_train_epochs
    )
    sampler = StudentSampler(student.network, settings=settings, stop_ids=student.chat_template().stop_ids)
    source = DistillSource(sampler=sampler, prompts=prompts, rows=rows, lmbda=settings.lmbda, walk=walk)
    counts = {"prompts": len(prompts), "rows": len(rows)}
    if context.dry_run:
        return stage.dry({**counts, "steps": source.total_steps})
    objective = DistillObjective(student.network, teacher.network, settings)
    batches = batches_in_order(checks, [len(r.ids) for r in checks], config.micro_batch_tokens, pack)
    task = TrainingTask(
        modules={"student": student.network},
        objective=objective,
        source=source,
        validate=(lambda: held_out_loss(objective, batches)) if batches else None,
    )
    result = stage.train(task)
    measured = held_out_loss(objective, batches) if batches else {}
    stage.save(student, {**counts, "validation": measured, "distillation": settings.model_dump()})
    return stage.result(result, **counts, measured=measured, next_command=f"tunesmith chat {stage.run.path}")


def held_out_loss(objective: DistillObjective, batches: Sequence[TokenBatch]) -> dict[str, float]:
    """Return the mean divergence, in nats a token, on held-out answers of the data."""
    return {"validation/loss": mean_divergence(objective, batches)}


def open_teacher(stage: Stage, name: str, student: LanguageModel) -> LanguageModel:
    """Return the frozen teacher.

    Raises:
        ConfigError: none given; or its tokens or chat template are not the student's.
    """
    if not name:
        raise ConfigError("no teacher", where="teacher", remedy="give a model folder: --set teacher=DIR")
    teacher = stage.open(name, role="teacher")
    remedy = "let the teacher write answers with `tunesmith data distill`, and learn them with `train sft`"
    require_same_tokens(student, teacher, role="teacher", where="teacher", remedy=remedy)
    return frozen(teacher)


def prompts_of(
    records: Sequence[Prompt | Demonstration], student: LanguageModel, config: Config, context: RunContext
) -> list[tuple[list[int], str]]:
    """Return the prompts that leave room for `max_tokens`; the others are counted in the log."""
    room = config.max_length - config.distillation.max_tokens
    rendered, report = render_prompts(records, student.chat_template(), max_prompt_length=room)
    _say(report, "prompts", context)
    return [(row.ids, row.key) for row in rendered]


def rows_of(
    records: Sequence[Prompt | Demonstration], student: LanguageModel, config: Config, context: RunContext
) -> list[TokenSequence]:
    """Return the data's completions; those over `max_length` are counted in the log."""
    demonstrations = cast("Sequence[Demonstration]", records)
    rendered, report = render_demonstrations(demonstrations, student.chat_template(), max_length=config.max_length)
    _say(report, "demonstrations", context)
    return [TokenSequence(row.ids, row.loss_mask, key) for key, row in rendered]


def _say(report: RenderReport, what: str, context: RunContext) -> None:
    report.require_some(what)
    for line in report.sentences()[1:]:
        context.log(line)
