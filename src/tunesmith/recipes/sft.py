"""Supervised fine-tuning on demonstrations (InstructGPT section 3.5).

1. read demonstrations, hold some users out; 2. give a base model the chat template; 3. render with exact masks;
4. with `ptx_data`, shuffle pretraining text among them, as for the model that PPO starts from (appendix C.3);
5. minimise the mean negative log-likelihood of the learned tokens.
"""

from __future__ import annotations

from typing import Literal, cast

from pydantic import Field

from tunesmith.algorithms.sft import LanguageObjective, builder, mean_nll
from tunesmith.core.records import Demonstration, Document
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.data.batch import TokenSequence, pack
from tunesmith.data.cycle import Cycle
from tunesmith.model.adapt import make_chat_model
from tunesmith.model.load import LanguageModel
from tunesmith.model.lora import LoraSettings, add_lora
from tunesmith.recipes.pretrain import document_rows
from tunesmith.recipes.stage import SURPRISAL, Stage, StageConfig, batches_in_order, held_out, walk_of
from tunesmith.text.chat_template import ChatTemplate
from tunesmith.text.render import Overlong, RenderReport, render_demonstrations
from tunesmith.train.dataset_source import DatasetSource
from tunesmith.train.task import TrainingTask


class Config(StageConfig):
    """Supervised fine-tuning."""

    global_batch_size: int = Field(32, ge=1, description="demonstrations in one optimizer step")
    num_train_epochs: float = Field(1.0, gt=0, description="passes over the demonstrations")
    overlong: Overlong = Field("drop", description="rows over max_length: drop (counted), truncate, or stop")
    learn: Literal["completions", "everything"] = Field(
        "completions", description="which tokens are learned; the paper does not say (rlhf_spec 8.1)"
    )
    reduction: Literal["token", "sequence"] = Field("token", description="each token, or each sequence, counts once")
    ptx_data: tuple[str, ...] = Field(
        (), description="pretraining text to mix in: files, snapshots or desk; none = off"
    )
    ptx_share: float = Field(
        0.1, gt=0, lt=1, description="share of all rows that are pretraining text; the paper's 10 %"
    )
    ptx_length: int = Field(128, ge=2, description="tokens of one pretraining row")
    surprisal_coef: float = Field(0.0, ge=0, description=SURPRISAL)
    lora: LoraSettings | None = Field(None, description="train low-rank adapters instead of all weights")


def run(config: Config, context: RunContext) -> RunResult:
    """Fine-tune and save a chat model."""
    stage = Stage("sft", config, context)
    records = cast("list[Demonstration]", stage.read(["demonstration"]))
    training, validation = held_out(records, config.validation_fraction, config.seed)
    model = stage.open(config.model)
    model = make_chat_model(model)
    template = model.chat_template()
    rows, report = demonstration_rows(training, template, config)
    report.require_some("demonstrations")
    for line in report.sentences():
        context.log(line)
    checks, _ = demonstration_rows(validation, template, config)
    mixed = pretraining_rows(stage, config, model, len(rows))
    rows += mixed
    counts = {"rows": report.kept, "ptx_rows": len(mixed), "left_out": len(report.left_out)}
    sizes = [len(r.ids) for r in rows]
    walk = walk_of(
        config, stage.world, global_batch_size=config.global_batch_size, num_train_epochs=config.num_train_epochs
    )
    source = DatasetSource(rows, sizes=sizes, build=builder("sft", config.reduction), walk=walk)
    if context.dry_run:
        return stage.dry(
            {"rows": report.kept, "ptx_rows": len(mixed), "tokens": sum(sizes), "steps": source.total_steps}
        )
    if config.lora is not None:
        add_lora(model.network, config.lora, seed=config.seed)
    batches = batches_in_order(checks, [len(r.ids) for r in checks], config.micro_batch_tokens, pack)
    objective = LanguageObjective(model.network, surprisal_coef=config.surprisal_coef)
    task = TrainingTask(
        modules=objective.modules,
        objective=objective,
        source=source,
        validate=(lambda: {"validation/loss": mean_nll(model.network, batches)}) if batches else None,
    )
    result = stage.train(task)
    if config.lora is not None:
        stage.merge_adapter(model)
    stage.save(model, {**counts, "validation": result.validation})
    return stage.result(result, **counts, next_command=f"tunesmith chat {stage.run.path}")


def demonstration_rows(
    records: list[Demonstration], template: ChatTemplate, config: Config
) -> tuple[list[TokenSequence], RenderReport]:
    """Return token rows and what was left out."""
    rendered, report = render_demonstrations(
        records, template, max_length=config.max_length, overlong=config.overlong, learn=config.learn
    )
    return [TokenSequence(r.ids, r.loss_mask, key) for key, r in rendered], report


def pretraining_rows(stage: Stage, config: Config, model: LanguageModel, demonstrations: int) -> list[TokenSequence]:
    """Return so many rows of `ptx_data` that they are `ptx_share` of all; [] where there is none to mix in.

    Which ones follows from the seed. Every token but a row's first is learned.
    """
    if not config.ptx_data:
        return []
    documents = cast("list[Document]", stage.read(["document"], data=config.ptx_data, label="ptx"))
    rows = document_rows(documents, model.tokenizer, config.ptx_length)
    wanted = round(demonstrations * config.ptx_share / (1 - config.ptx_share))
    if wanted > len(rows):
        stage.context.log(f"only {len(rows)} rows of pretraining text where ptx_share asks for {wanted}")
    return [rows[i] for i in Cycle(len(rows), seed=config.seed + 1).take(min(wanted, len(rows)))]
