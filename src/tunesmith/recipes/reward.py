"""Train a reward model on rankings (InstructGPT section 3.5, appendix C.2).

1. read rankings or comparisons, hold some prompts out; 2. the SFT model's trunk with a fresh scalar head; 3. each
prompt with its K completions is one element of the batch; 4. K-wise loss; 5. a bias so that demonstrations score 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Protocol, cast

from pydantic import Field

from tunesmith.algorithms.reward_model import (
    RankedTree,
    RewardObjective,
    builder,
    calibrate,
    orders_of,
    require_pairs,
    score_trees,
    with_logprobs,
)
from tunesmith.core.errors import ConfigError
from tunesmith.core.nearest import did_you_mean
from tunesmith.core.records import Comparison, Completion, Demonstration, Ranking, RankingLabel, record_id
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.data.batch import TokenSequence, TokenTree
from tunesmith.evaluate.calibration import calibration
from tunesmith.evaluate.reward_accuracy import margins, reward_accuracy
from tunesmith.model.load import LanguageModel, new_classifier
from tunesmith.model.lora import LoraSettings, add_lora
from tunesmith.recipes.stage import SURPRISAL, Stage, StageConfig, held_out, walk_of
from tunesmith.text.chat_template import ChatTemplate
from tunesmith.text.render import RenderReport, render_demonstrations, render_trees
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
        0.0, ge=0, description="weight of foretelling the score at every token, which PPO's value model starts from"
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
        validate=(lambda: _short(measure(model, validation, config))) if validation else None,
    )
    result = stage.train(task)
    if config.lora is not None:
        stage.merge_adapter(model)
    measured = measure(model, validation, config)
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


def as_ranking(record: Ranking | Comparison) -> Ranking:
    """Return a comparison as a ranking of two."""
    if isinstance(record, Ranking):
        return record
    label = RankingLabel(labeler=str(record.meta.get("labeler", "")), order=(("chosen",), ("rejected",)))
    completions = (Completion(id="chosen", text=record.chosen), Completion(id="rejected", text=record.rejected))
    return Ranking(messages=record.messages, completions=completions, rankings=(label,), meta=record.meta)


def ranked_rows(
    records: Sequence[Ranking], template: ChatTemplate, max_length: int, weights: Mapping[str, float] | None = None
) -> tuple[list[RankedTree], RenderReport]:
    """Return token trees with their orders, each with its labeler's weight (1 where none is given); and a report."""
    rendered, report = render_trees(records, template, max_length=max_length)
    rows = []
    for r in rendered:
        counts = tuple((weights or {}).get(label.labeler, 1.0) for label in cast(Ranking, r.record).rankings)
        tree = TokenTree(r.prompt, r.completions, r.key)
        rows.append(RankedTree(tree, orders_of(r.record), weights=counts))
    return rows, report


def require_labelers(weights: Mapping[str, float], records: Sequence[Ranking]) -> None:
    """Check that everybody who is given a weight has ranked something.

    Raises:
        ConfigError: somebody has not.
    """
    known = {label.labeler for record in records for label in record.rankings}
    for name in weights:
        if name not in known:
            raise ConfigError(f"no ranking is by {name!r}", where="labeler_weights", remedy=did_you_mean(name, known))


def calibration_rows(stage: Stage, config: Config, template: ChatTemplate) -> list[TokenSequence]:
    """Return the demonstrations that shall score 0 on average."""
    if not config.demonstrations:
        return []
    records = stage.read(["demonstration"], data=config.demonstrations, label="demonstrations")
    chosen = sorted(cast("list[Demonstration]", records), key=record_id)[: config.calibration_rows]
    rendered, report = render_demonstrations(chosen, template, max_length=config.max_length)
    report.require_some("demonstrations")
    return [TokenSequence(r.ids, r.loss_mask, key) for key, r in rendered]


class Fits(Protocol):
    """What scoring needs to know of a configuration."""

    @property
    def max_length(self) -> int:
        """Tokens of prompt and completion together."""

    @property
    def micro_batch_tokens(self) -> int:
        """Tokens in one forward pass."""


def score_rankings(
    model: LanguageModel, records: Sequence[Ranking], config: Fits
) -> tuple[list[Ranking], list[dict[str, float]]]:
    """Return the rankings that fit, and the score of each of their completions by id."""
    rendered, _ = render_trees(records, model.chat_template(), max_length=config.max_length)
    trees = [TokenTree(r.prompt, r.completions, r.key) for r in rendered]
    scores = score_trees(model.network, trees, micro_batch_tokens=config.micro_batch_tokens)
    kept = [cast(Ranking, r.record) for r in rendered]
    by_id = [dict(zip((c.id for c in r.completions), s, strict=True)) for r, s in zip(kept, scores, strict=True)]
    return kept, by_id


def measure(model: LanguageModel, records: Sequence[Ranking], config: Config) -> dict[str, object]:
    """Return held-out pairwise accuracy with its interval, the same by labeler, and the calibration error."""
    kept, scores = score_rankings(model, records, config)
    pairs = margins(kept, scores) if kept else []
    if not pairs:
        return {}
    measured: dict[str, object] = {
        "accuracy": reward_accuracy(pairs, seed=config.seed).rate.to_json(),
        "calibration_error": calibration(pairs, seed=config.seed).error,
        "pairs": len(pairs),
    }
    names = sorted({label.labeler for ranking in kept for label in ranking.rankings})
    if len(names) > 1:
        own = {name: margins(kept, scores, labelers=(name,)) for name in names}
        measured["accuracy_by_labeler"] = {
            name: reward_accuracy(found, seed=config.seed).rate.to_json() for name, found in own.items() if found
        }
    return measured


def _short(measured: dict[str, object]) -> dict[str, float]:
    accuracy = cast("dict[str, float]", measured.get("accuracy", {}))
    return {"validation/accuracy": accuracy["value"]} if accuracy else {}
