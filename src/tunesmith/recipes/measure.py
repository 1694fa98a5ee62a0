"""Measure models side by side on held-out prompts: rates, win rates, the reward model, and samples to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tunesmith.core.records import Demonstration, Document, Prompt
from tunesmith.desk import labelers
from tunesmith.evaluate.desk_eval import ModelOutputs, Versus, desk_eval
from tunesmith.evaluate.results import ModelResult, RewardModelResult, WinRateResult
from tunesmith.evaluate.samples import Sample, choose_samples
from tunesmith.evaluate.text_measures import distinct_n, mean_length, words
from tunesmith.recipes.asking import ALL_BASES, MeasureConfig, Plainly, answers_of
from tunesmith.statistics.rates import Rate

SAMPLES = 14


@dataclass(slots=True, kw_only=True)
class Measured:
    """The measured part of `results.json`, and samples."""

    models: dict[str, ModelResult]
    win_rates: dict[str, WinRateResult] = field(default_factory=dict)
    differences: dict[str, dict[str, Rate]] = field(default_factory=dict)
    reward_model: RewardModelResult | None = None
    samples: list[Sample] = field(default_factory=list)


def measure_desk(
    models: Mapping[str, str],
    prompts: Sequence[Prompt],
    documents: Sequence[Document],
    pairs: Sequence[Versus],
    config: MeasureConfig,
    plainly: Plainly = ALL_BASES,
) -> Measured:
    """Return rates by the gold judge and win rates by it and by the held-out labelers."""
    answers, losses = answers_of(models, prompts, documents, config, plainly)
    outputs = {name: ModelOutputs(a.first_texts(), a.token_counts(), losses.get(name)) for name, a in answers.items()}
    found = desk_eval(prompts, outputs, versus=pairs, labelers=labelers(heldout=True), seed=config.seed)
    texts = {name: a.first_texts() for name, a in answers.items()}
    return Measured(
        models={name: m.model_copy(update={"entropy": answers[name].entropy()}) for name, m in found.models.items()},
        win_rates={name: WinRateResult.of(rate) for name, rate in found.win_rates.items()},
        differences=found.differences,
        samples=choose_samples(prompts, texts, found.verdicts, n=SAMPLES, seed=config.seed),
    )


def measure_plain(
    models: Mapping[str, str],
    demonstrations: Sequence[Demonstration],
    config: MeasureConfig,
    plainly: Plainly = ALL_BASES,
) -> Measured:
    """Return what can be said without a judge: perplexity of the held-out answers, length, variety, and samples."""
    prompts = [Prompt(messages=d.prompt, meta=d.meta) for d in demonstrations]
    texts = [Document(text=d.completion) for d in demonstrations if d.completion.strip()]
    answers, losses = answers_of(models, prompts, texts, config, plainly)
    results = {
        name: ModelResult(
            perplexity=losses.get(name),
            mean_tokens=mean_length(a.token_counts()),
            distinct_2=distinct_n([words(t) for t in a.first_texts()], 2),
            entropy=a.entropy(),
        )
        for name, a in answers.items()
    }
    shown = {name: a.first_texts() for name, a in answers.items()}
    samples = choose_samples(prompts, shown, {}, n=min(SAMPLES, len(prompts)), seed=config.seed)
    return Measured(models=results, samples=samples)
