"""Collect rankings: each prompt is answered K times, simulated labelers rank the answers.

Real people replace them with `tunesmith label`; the records are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.records import Completion, Prompt, Ranking
from tunesmith.desk import Labeler
from tunesmith.model.generate import Sampling
from tunesmith.model.load import LanguageModel
from tunesmith.recipes.answer import Answers, answer
from tunesmith.recipes.quickstart_config import QuickstartConfig
from tunesmith.train.precision import autocast

NAMES = "abcdefghijklmnopqrstuvwxyz"


def rankings_of(
    prompts: Sequence[Prompt],
    texts: Sequence[Sequence[str]],
    labelers: Sequence[Labeler],
    *,
    labels_each: int,
    models: Sequence[str],
    seed: int,
) -> list[Ranking]:
    """Return one ranking record a prompt with `labels_each` labels; labelers take turns.

    `texts[i][k]` is what `models[k]` answered prompt i. Equal answers are kept as one completion, under the first
    model's name: ranking a text against itself says nothing.
    """
    records = []
    for index, (prompt, said) in enumerate(zip(prompts, texts, strict=True)):
        by_text: dict[str, str] = {}
        for text, model in zip(said, models, strict=True):
            by_text.setdefault(text, model)
        if len(by_text) < 2:
            continue
        completions = tuple(Completion(id=NAMES[i], text=t, model=by_text[t]) for i, t in enumerate(by_text))
        chosen = [labelers[(index + turn) % len(labelers)] for turn in range(labels_each)]
        labels = tuple(labeler.rank(prompt, completions, seed=seed) for labeler in chosen)
        records.append(Ranking(messages=prompt.messages, completions=completions, rankings=labels, meta=prompt.meta))
    return records


def answers_to_rank(config: QuickstartConfig, model: LanguageModel, asked: Sequence[Prompt], *, seed: int) -> Answers:
    """Return the completions of prompts to rank, one at each temperature, in the precision of PPO's roll-outs."""
    ways = [Sampling(max_tokens=config.max_tokens, temperature=t, seed=seed) for t in config.rank_temperatures]
    with autocast(config.ppo.engine.precision, model.network.device):
        return answer(model, asked, model.chat_template(), ways)


def ranked_names(config: QuickstartConfig) -> list[str]:
    """Return the names under which these completions are kept."""
    return [f"policy at temperature {temperature:g}" for temperature in config.rank_temperatures]
