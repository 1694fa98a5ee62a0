"""Train a reward model on rankings (InstructGPT section 3.5, appendix C.2).

1. read rankings or comparisons, hold some prompts out; 2. the SFT model's trunk with a fresh scalar head; 3. each
prompt with its K completions is one element of the batch; 4. K-wise loss; 5. a bias so that demonstrations score 0.
"""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import Field

from tunesmith.algorithms.reward_model import RewardObjective, builder, calibrate, require_pairs, with_logprobs
from tunesmith.core.records import Comparison, Demonstration, Ranking, record_id
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.data.batch import TokenSequence
from tunesmith.model.load import new_classifier
from tunesmith.model.lora import LoraSettings, add_lora
from tunesmith.recipes.ranked_rows import as_ranking, ranked_rows, require_labelers
from tunesmith.recipes.reward_measures import logged, measure
from tunesmith.recipes.stage import SURPRISAL, Stage, StageConfig, held_out, walk_of
from tunesmith.text.chat_template import ChatTemplate
from tunesmith.text.render import render_demonstrations
from tunesmith.train.dataset_source import DatasetSource
from tunesmith.train.task import TrainingTask


class Config(StageConfig):
    """Reward model."""

    data: tuple[str, ...] = Field((), description="files or snapshots with rankings or comparisons")
    demonstrations: tuple[str, ...] = Field(
        (), description="files or snapshots; after training a bias makes these score 0 on average; none = no bias"
    )
    calibration_rows: int = Field(500, ge=1, description="how many of the demonstrations the bias is computed from")
    global_batch_size: int = Field(16, ge=1, description="prompts in one optimizer step; the paper used 64")
    num_train_epochs: float = Field(1.0, gt=0, description="passes; more than 1 over-fits quickly")
    divisor: Literal["surviving", "all"] = Field(
        "surviving", description="pairs a ranking is divided by when ties were dropped (rlhf_spec 8.2)"
    )
    margin: float = Field(0.0, ge=0, description="inside the sigmoid (Llama 2)")
    centring: float = Field(0.0, ge=0, description="weight of (r_winner + r_loser)^2")
    labeler_weights: dict[str, Annotated[float, Field(gt=0)]] = Field(
        {}, description="labeler -> how much each of their rankings counts; everybody else's counts 1"
    )
    surprisal_coef: float = Field(0.0, ge=0, description=SURPRISAL)
    value_coef: float = Field(
        0.0,
        ge=0,
        description="weight of foretelling the score at every token; PPO's separate value model starts from it",
    )
    lora: LoraSettings | None = Field(None, description="train low-rank adapters and the head only")


def run(config: Config, context: RunContext) -> RunResult:
    """Train, calibrate, measure and save a reward model."""
    stage = Stage("reward", config, context)
    records = [as_ranking(r) for r in cast("list[Ranking | Comparison]", stage.read(["ranking", "comparison"]))]
    require_labelers(config.labeler_weights, records)
    training, validation = held_out(records, config.validation_fraction, config.seed)
    policy = stage.open(config.model)
    model = new_classifier(policy, seed=config.seed)
    template = model.chat_template()
    rows, report = ranked_rows(training, template, config.max_length, config.labeler_weights)
    report.require_some("rankings")
    skipped = require_pairs(rows)
    if config.surprisal_coef and not context.dry_run:
        rows = with_logprobs(policy.network, rows, micro_batch_tokens=config.micro_batch_tokens)
    for line in [*report.sentences(), f"{skipped} rankings are all ties: nothing to learn from them"]:
        context.log(line)
    calibration = calibration_rows(stage, config, template)
    walk = walk_of(
        config, stage.world, global_batch_size=config.global_batch_size, num_train_epochs=config.num_train_epochs
    )
    source = DatasetSource(rows, sizes=[r.size for r in rows], build=builder(config.divisor), walk=walk)
    if context.dry_run:
        return stage.dry({"rankings": len(rows), "all_tied": skipped, "steps": source.total_steps})
    if config.lora is not None:
        add_lora(model.network, config.lora, seed=config.seed)
    objective = RewardObjective(
        model.network,
        margin=config.margin,
        centring=config.centring,
        surprisal_coef=config.surprisal_coef,
        value_coef=config.value_coef,
    )
    task = TrainingTask(
        modules=objective.modules,
        objective=objective,
        source=source,
        validate=(lambda: logged(measure(model, validation, config, seed=config.seed))) if validation else None,
    )
    result = stage.train(task)
    if config.lora is not None:
        stage.merge_adapter(model)
    measured = measure(model, validation, config, seed=config.seed)
    bias = calibrate(model.network, calibration) if calibration else 0.0
    stage.save(model, {"rankings": len(rows), "score_bias": bias, "validation": measured})
    return stage.result(
        result,
        rankings=len(rows),
        left_out=len(report.left_out),
        all_tied=skipped,
        score_bias=bias,
        measured=measured,
        next_command=f"tunesmith train ppo --model {config.model} --set reward_model={stage.run.model} --out DIR",
    )


def calibration_rows(stage: Stage, config: Config, template: ChatTemplate) -> list[TokenSequence]:
    """Return the demonstrations that shall score 0 on average."""
    if not config.demonstrations:
        return []
    records = stage.read(["demonstration"], data=config.demonstrations, label="demonstrations")
    chosen = sorted(cast("list[Demonstration]", records), key=record_id)[: config.calibration_rows]
    rendered, report = render_demonstrations(chosen, template, max_length=config.max_length)
    report.require_some("demonstrations")
    return [TokenSequence(r.ids, r.loss_mask, key) for key, r in rendered]
