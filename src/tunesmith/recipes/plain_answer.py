"""Let a model without a chat template answer prompts: in plain text, after solved examples."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.records import Demonstration, Prompt
from tunesmith.evaluate.asking import context_ids, until
from tunesmith.model.generate import Generated, Sampling, generate
from tunesmith.model.load import LanguageModel
from tunesmith.recipes.answer import Answers
from tunesmith.text.plain_prompt import BLANK_LINE, Labels, can_be_shown, plain_prompt
from tunesmith.text.tokenizer import Tokenizer


class PlainAsking(Strict):
    """How a model without a chat template is asked."""

    examples: int = Field(4, ge=0, description="solved examples before each request, drawn anew for each")
    asked: str = Field("Question:", min_length=1, description="the words before a request")
    answered: str = Field("Answer:", min_length=1, description="the words before an answer")


def answer_plainly(
    model: LanguageModel,
    prompts: Sequence[Prompt],
    examples: Sequence[Demonstration],
    how: PlainAsking,
    sampling: Sampling,
) -> Answers:
    """Return one completion of each prompt, up to its first blank line.

    Examples that hold a blank line, and a prompt's own solution, are not shown. Where prompt, examples and completion
    together would take more positions than the model has, fewer examples are shown.
    """
    shown = [e for e in examples if can_be_shown(e)]
    ids = [
        _prompt_ids(
            model, prompt, _drawn(shown, prompt, how.examples, f"{sampling.seed}-{n}"), how, sampling.max_tokens
        )
        for n, prompt in enumerate(prompts)
    ]
    end = model.tokenizer.named_id("eos_token")
    rows = generate(model.network, ids, stop_ids=() if end is None else (end,), sampling=sampling)
    found = [_first(model.tokenizer, row, end) for [row] in rows]
    return Answers([[text] for text, _ in found], [[row] for _, row in found])


def _drawn(examples: Sequence[Demonstration], prompt: Prompt, n: int, seed: str) -> list[Demonstration]:
    others = [e for e in Random(seed).sample(examples, min(n + 1, len(examples))) if e.prompt != prompt.messages]
    return others[:n]


def _prompt_ids(
    model: LanguageModel, prompt: Prompt, examples: Sequence[Demonstration], how: PlainAsking, max_tokens: int
) -> list[int]:
    room = getattr(model.network.config, "max_position_embeddings", None)
    labels = Labels(how.asked, how.answered)
    while True:
        ids = context_ids(model.tokenizer, plain_prompt(prompt.messages, examples, labels))
        if not examples or room is None or len(ids) + max_tokens <= room:
            return ids
        examples = examples[1:]


def _first(tokenizer: Tokenizer, row: Generated, end: int | None) -> tuple[str, Generated]:
    """Return the text up to the first blank line, and what was generated until then."""
    text = tokenizer.decode([i for i in row.ids if i != end])
    if BLANK_LINE not in text:
        return text.strip(), row
    n = next(n for n in range(1, len(row.ids) + 1) if BLANK_LINE in tokenizer.decode(row.ids[:n]))
    return until(text, [BLANK_LINE]).strip(), Generated(row.ids[:n], row.logprobs[:n], True)
