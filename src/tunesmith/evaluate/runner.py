"""Ask a model everything in a task and score it; or score a log again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.evaluate.asking import Limits, completions, likelihoods
from tunesmith.evaluate.sample_log import Sample
from tunesmith.evaluate.scorer import Response, Scorer
from tunesmith.evaluate.task import Ask, Choices, Form, Task
from tunesmith.model.load import LanguageModel


class Answered(NamedTuple):
    """A task's samples in its order; `cut` prompts lost their beginning; `form` is how the model was asked."""

    samples: list[Sample]
    cut: int
    tokens: int
    form: Form


def form_for(model: LanguageModel, task: Task) -> Form:
    """Return "plain" where the protocol says so or the model has no chat template."""
    return "plain" if model.template is None else task.protocol.form


def fitted(task: Task, limits: Limits) -> Task:
    """Return the task with completions of at most half of `max_length`, and a note where that is less than asked."""
    room = max(1, limits.max_length // 2)
    if task.protocol.max_tokens <= room:
        return task
    note = f"completions of at most {room} tokens where the protocol allows {task.protocol.max_tokens}: max_length"
    return replace(task, protocol=replace(task.protocol, max_tokens=room), notes=(*task.notes, note))


def run_task(model: LanguageModel, task: Task, limits: Limits, *, name: str, seed: int) -> Answered:
    """Return every item's sample. The random numbers of an item belong to seed, task and its place in the task.

    Raises:
        DataError: the task has no items, or mixes requests of two kinds.
    """
    if not task.items:
        raise DataError("the task has no items", where=task.name)
    requests = [item.request for item in task.items]
    choices = [request for request in requests if isinstance(request, Choices)]
    asks = [request for request in requests if isinstance(request, Ask)]
    form = form_for(model, task)
    if choices and asks:
        raise DataError("a task asks either for likelihoods or for completions", where=task.name)
    own_seed = int.from_bytes(hashlib.sha256(f"{seed}\0{task.name}".encode()).digest()[:4], "big")
    if choices:
        asked = likelihoods(model, choices, limits)
    else:
        asked = completions(model, asks, task.protocol, form, limits, seed=own_seed)
    responses: Sequence[Response] = asked.responses
    samples = [
        Sample(task=task.name, item=item, response=response, model=name, seed=seed)
        for item, response in zip(task.items, responses, strict=True)
    ]
    return Answered(scored(samples, task.scorer), asked.cut, asked.tokens, form)


def scored(samples: Sequence[Sample], scorer: Scorer) -> list[Sample]:
    """Return the samples with the scorer's values in the place of any they had."""
    return [replace(sample, scores=scorer.score(sample.item.target, sample.response)) for sample in samples]
