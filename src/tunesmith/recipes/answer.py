"""Let a model answer prompts, and say how well it predicts text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tunesmith.algorithms.sft import mean_nll
from tunesmith.core.records import Document, Prompt
from tunesmith.data.batch import pack
from tunesmith.model.generate import Generated, Sampling, generate
from tunesmith.model.load import LanguageModel
from tunesmith.recipes.pretrain import document_rows
from tunesmith.recipes.stage import batches_in_order
from tunesmith.text.chat_template import ChatTemplate


class Answers(NamedTuple):
    """For each prompt, its completions' texts and tokens (the stop token included in the count)."""

    texts: list[list[str]]
    generated: list[list[Generated]]

    def first_texts(self) -> list[str]:
        """Return the first completion of each prompt."""
        return [row[0] for row in self.texts]

    def entropy(self) -> float | None:
        """Return the entropy in nats a token, estimated by the first completions' own log-probs; None without tokens.

        It is that of the distribution sampled from (temperature included); greedy completions say nothing of it.
        """
        logprobs = [value for row in self.generated for value in row[0].logprobs]
        return -sum(logprobs) / len(logprobs) if logprobs else None

    def token_counts(self) -> list[int]:
        """Return the length of each first completion."""
        return [len(row[0].ids) for row in self.generated]


def answer(
    model: LanguageModel,
    prompts: Sequence[Prompt],
    template: ChatTemplate,
    sampling: Sampling | Sequence[Sampling],
    *,
    completions: int = 1,
) -> Answers:
    """Return completions of prompts, `completions` for each way of sampling.

    `template` is the chat model's: a base model is asked in the same words.
    """
    ids = [template.render_prompt(p.messages) for p in prompts]
    generated = generate(model.network, ids, stop_ids=template.stop_ids, sampling=sampling, completions=completions)
    texts = [[template.completion_text(g.ids) for g in row] for row in generated]
    return Answers(texts, generated)


def perplexity(
    model: LanguageModel, documents: Sequence[Document], *, max_length: int, micro_batch_tokens: int
) -> float:
    """Return exp(mean negative log-likelihood) a token of documents: the language-modelling tax is its rise."""
    rows = document_rows(documents, model.tokenizer, max_length)
    batches = batches_in_order(rows, [len(r.ids) for r in rows], micro_batch_tokens, pack)
    return math.exp(mean_nll(model.network, batches))
