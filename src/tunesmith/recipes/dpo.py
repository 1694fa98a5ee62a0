"""Direct preference optimisation on rankings or comparisons (arXiv 2305.18290).

1. read them, hold some prompts out; 2. every untied pair is a comparison; 3. log-probs of the reference, once;
4. the DPO loss. The reference is the model as given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

import torch
from pydantic import Field

from tunesmith.algorithms.dpo import DpoObjective, ReferencedPair, pack_pairs, with_reference
from tunesmith.core.records import Comparison, Ranking
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.data.batch import TokenTree
from tunesmith.data.chunks import split_by_tokens
from tunesmith.formats.comparisons import comparisons
from tunesmith.model.lora import LoraSettings, add_lora
from tunesmith.recipes.stage import Stage, StageConfig, held_out, walk_of
from tunesmith.text.chat_template import ChatTemplate
from tunesmith.text.render import RenderReport, render_trees
from tunesmith.train.dataset_source import DatasetSource
from tunesmith.train.task import TrainingTask


class Config(StageConfig):
    """Direct preference optimisation."""

    data: tuple[str, ...] = Field((), description="files or snapshots with rankings or comparisons")
    global_batch_size: int = Field(32, ge=1, description="pairs in one optimizer step")
    num_train_epochs: float = Field(1.0, gt=0, description="passes over the pairs")
    beta: float = Field(0.1, gt=0, description="strength of the pull towards the reference")
    variant: Literal["sigmoid", "cdpo", "robust", "ipo_sum", "hinge"] = Field("sigmoid", description="the loss")
    label_smoothing: float = Field(0.0, ge=0, lt=0.5, description="known rate of flipped labels (cdpo, robust)")
    lora: LoraSettings | None = Field(None, description="train low-rank adapters instead of all weights")


def run(config: Config, context: RunContext) -> RunResult:
    """Optimise and save a policy."""
    stage = Stage("dpo", config, context)
    records = stage.read(["ranking", "comparison"])
    training, validation = held_out(records, config.validation_fraction, config.seed)
    model = stage.open(config.model)
    template = model.chat_template()
    trees, report = pair_trees(training, template, config.max_length)
    report.require_some("comparisons")
    for line in report.sentences():
        context.log(line)
    checks, _ = pair_trees(validation, template, config.max_length)
    if context.dry_run:
        return stage.dry({"pairs": len(trees)})
    pairs = with_reference(model.network, trees, micro_batch_tokens=config.micro_batch_tokens)
    checked = with_reference(model.network, checks, micro_batch_tokens=config.micro_batch_tokens)
    walk = walk_of(
        config, stage.world, global_batch_size=config.global_batch_size, num_train_epochs=config.num_train_epochs
    )
    if config.lora is not None:
        add_lora(model.network, config.lora, seed=config.seed)
    objective = DpoObjective(
        model.network, beta=config.beta, variant=config.variant, label_smoothing=config.label_smoothing
    )
    task = TrainingTask(
        modules={"policy": model.network},
        objective=objective,
        source=DatasetSource(pairs, sizes=[p.size for p in pairs], build=pack_pairs, walk=walk),
        validate=(lambda: validate(objective, checked, config.micro_batch_tokens)) if checked else None,
    )
    result = stage.train(task)
    if config.lora is not None:
        stage.merge_adapter(model)
    measured = validate(objective, checked, config.micro_batch_tokens) if checked else {}
    stage.save(model, {"pairs": len(pairs), "beta": config.beta, "validation": measured})
    return stage.result(
        result,
        pairs=len(pairs),
        left_out=len(report.left_out),
        measured=measured,
        next_command=f"tunesmith chat {stage.run.path}",
    )


def pair_trees(
    records: Sequence[object], template: ChatTemplate, max_length: int
) -> tuple[list[TokenTree], RenderReport]:
    """Return (chosen, rejected) trees of every untied pair; identical ones are reported, not learned (T-PO-12)."""
    pairs: list[Comparison] = []
    for record in records:
        pairs += comparisons(record) if isinstance(record, Ranking) else [cast(Comparison, record)]
    different = [p for p in pairs if p.chosen != p.rejected]
    rendered, report = render_trees(different, template, max_length=max_length)
    for pair in pairs:
        if pair.chosen == pair.rejected:
            report.drop(pair, "chosen equals rejected")
    return [TokenTree(r.prompt, r.completions, r.key) for r in rendered], report


@torch.no_grad()
def validate(objective: DpoObjective, pairs: Sequence[ReferencedPair], micro_batch_tokens: int) -> dict[str, float]:
    """Return mean loss, accuracy and margin on held-out pairs."""
    totals: dict[str, tuple[float, float]] = {}
    for part in split_by_tokens(range(len(pairs)), [p.size for p in pairs], micro_batch_tokens):
        for name, metric in objective(pack_pairs([pairs[i] for i in part])).metrics.items():
            total, weight = totals.get(name, (0.0, 0.0))
            totals[name] = total + metric.total, weight + metric.weight
    return {name.replace("dpo/", "validation/"): total / weight for name, (total, weight) in totals.items() if weight}
