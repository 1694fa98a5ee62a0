"""Collect rankings: the model answers each prompt K times, simulated labelers rank the answers.

Real people replace them with `tunesmith label`; the records are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.records import Completion, Prompt, Ranking
from tunesmith.desk import Labeler
from tunesmith.recipes.answer import Answers

NAMES = "abcdefghijklmnopqrstuvwxyz"


def rankings_of(
    prompts: Sequence[Prompt], answers: Answers, labelers: Sequence[Labeler], *, labels_each: int, model: str, seed: int
) -> list[Ranking]:
    """Return one ranking record a prompt with `labels_each` labels; labelers take turns.

    Equal answers are kept as one completion: ranking a text against itself says nothing.
    """
    records = []
    for index, (prompt, texts) in enumerate(zip(prompts, answers.texts, strict=True)):
        distinct = list(dict.fromkeys(texts))
        if len(distinct) < 2:
            continue
        completions = tuple(Completion(id=NAMES[i], text=t, model=model) for i, t in enumerate(distinct))
        chosen = [labelers[(index + turn) % len(labelers)] for turn in range(labels_each)]
        labels = tuple(labeler.rank(prompt, completions, seed=seed) for labeler in chosen)
        records.append(Ranking(messages=prompt.messages, completions=completions, rankings=labels, meta=prompt.meta))
    return records
