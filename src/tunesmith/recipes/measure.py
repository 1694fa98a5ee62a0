"""Measure models side by side on held-out prompts: rates, win rates, the reward model, and samples to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.records import Demonstration, Document, Prompt
from tunesmith.desk import labelers
from tunesmith.evaluate.desk_eval import ModelOutputs, Versus, desk_eval
from tunesmith.evaluate.results import ModelResult, RewardModelResult, WinRateResult
from tunesmith.evaluate.samples import Sample, choose_samples
from tunesmith.evaluate.text_measures import distinct_n, mean_length, words
from tunesmith.model.generate import Sampling
from tunesmith.recipes.answer import Answers, answer, perplexity
from tunesmith.recipes.stage import open_model
from tunesmith.statistics.rates import Rate
from tunesmith.text.chat_template import ChatTemplate

SAMPLES = 14


class MeasureConfig(Strict):
    """How models are measured."""

    temperature: float = Field(0.7, ge=0, description="sampling temperature; 0 = greedy")
    max_tokens: int = Field(64, ge=1, description="longest completion")
    max_length: int = Field(256, ge=2, description="tokens of one row of a document, for perplexity")
    micro_batch_tokens: int = Field(4096, ge=1, description="tokens in one forward pass")
    seed: int = Field(0, description="the seed of samples and intervals")


@dataclass(slots=True, kw_only=True)
class Measured:
    """The measured part of `results.json`, and samples."""

    models: dict[str, ModelResult]
    win_rates: dict[str, WinRateResult] = field(default_factory=dict)
    differences: dict[str, dict[str, Rate]] = field(default_factory=dict)
    reward_model: RewardModelResult | None = None
    samples: list[Sample] = field(default_factory=list)


def answers_of(
    models: Mapping[str, str], prompts: Sequence[Prompt], documents: Sequence[Document], config: MeasureConfig
) -> tuple[dict[str, Answers], dict[str, float]]:
    """Return every model's answers and perplexity. A base model is asked in the last model's chat template."""
    opened = {name: open_model(folder)[0] for name, folder in models.items()}
    chat = [m for m in opened.values() if m.template is not None]
    sampling = Sampling(max_tokens=config.max_tokens, temperature=config.temperature, seed=config.seed)
    answers, losses = {}, {}
    for name, model in opened.items():
        template: ChatTemplate = model.template or chat[-1].chat_template()
        answers[name] = answer(model, prompts, template, sampling)
        if documents:
            losses[name] = perplexity(
                model, documents, max_length=config.max_length, micro_batch_tokens=config.micro_batch_tokens
            )
    return answers, losses


def measure_desk(
    models: Mapping[str, str],
    prompts: Sequence[Prompt],
    documents: Sequence[Document],
    pairs: Sequence[Versus],
    config: MeasureConfig,
) -> Measured:
    """Return rates by the gold judge and win rates by it and by the held-out labelers."""
    answers, losses = answers_of(models, prompts, documents, config)
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
    models: Mapping[str, str], demonstrations: Sequence[Demonstration], config: MeasureConfig
) -> Measured:
    """Return what can be said without a judge: perplexity of the held-out answers, length, variety, and samples."""
    prompts = [Prompt(messages=d.prompt, meta=d.meta) for d in demonstrations]
    texts = [Document(text=d.completion) for d in demonstrations if d.completion.strip()]
    answers, losses = answers_of(models, prompts, texts, config)
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
