"""Ask several models the same prompts, each in its own way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.records import Demonstration, Document, Prompt
from tunesmith.model.generate import Sampling
from tunesmith.recipes.answer import Answers, answer, perplexity
from tunesmith.recipes.plain_answer import PlainAsking, answer_plainly
from tunesmith.recipes.stage import open_model
from tunesmith.text.chat_template import ChatTemplate


class MeasureConfig(Strict):
    """How models are measured."""

    temperature: float = Field(0.7, ge=0, description="sampling temperature; 0 = greedy")
    max_tokens: int = Field(64, ge=1, description="longest completion")
    max_length: int = Field(256, ge=2, description="tokens of one row of a document, for perplexity")
    micro_batch_tokens: int = Field(4096, ge=1, description="tokens in one forward pass")
    seed: int = Field(0, description="the seed of samples and intervals")
    plain: PlainAsking = Field(PlainAsking(), description="how a model without a chat template is asked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plainly:
    """Models that are asked in plain text: these, or all that have no chat template; after some of these examples."""

    names: Collection[str] | None = None
    examples: Sequence[Demonstration] = ()


ALL_BASES = Plainly()


def answers_of(
    models: Mapping[str, str],
    prompts: Sequence[Prompt],
    documents: Sequence[Document],
    config: MeasureConfig,
    plainly: Plainly,
) -> tuple[dict[str, Answers], dict[str, float]]:
    """Return every model's answers and perplexity.

    A base model that `plainly` does not name is asked in the last model's chat template, which it never saw.
    """
    opened = {folder: open_model(folder)[0] for folder in dict.fromkeys(models.values())}
    chat = [m for m in opened.values() if m.template is not None]
    sampling = Sampling(max_tokens=config.max_tokens, temperature=config.temperature, seed=config.seed)
    answers = {}
    for name, folder in models.items():
        model = opened[folder]
        if name in plainly.names if plainly.names is not None else model.template is None:
            answers[name] = answer_plainly(model, prompts, plainly.examples, config.plain, sampling)
        else:
            template: ChatTemplate = model.template or chat[-1].chat_template()
            answers[name] = answer(model, prompts, template, sampling)
    if not documents:
        return answers, {}
    sizes = {"max_length": config.max_length, "micro_batch_tokens": config.micro_batch_tokens}
    losses = {folder: perplexity(model, documents, **sizes) for folder, model in opened.items()}
    return answers, {name: losses[folder] for name, folder in models.items()}
