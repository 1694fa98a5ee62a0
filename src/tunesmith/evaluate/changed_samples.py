"""The samples that changed most, as people read them: what was asked, what was expected, what each model said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from tunesmith.evaluate.comparison import Changed
from tunesmith.evaluate.sample_log import Sample
from tunesmith.evaluate.scorer import Likelihoods, Measure
from tunesmith.evaluate.task import Choices
from tunesmith.evaluate.wording import suite_title

LONGEST = 1200  # characters of a text on the page
SHARED = 120  # characters; a shorter beginning that all prompts share is shown every time
REFERENCES = 3


class ShownAnswer(NamedTuple):
    """What one model said, and its value in words."""

    text: str
    value: str


class ShownSample(NamedTuple):
    """One changed item. `left_out`: characters at the prompt's beginning that all prompts of the suite share."""

    suite: str
    measure: str
    prompt: str
    left_out: int
    expected: str
    answers: tuple[ShownAnswer, ShownAnswer]


def shown_samples(changed: Sequence[Changed]) -> list[ShownSample]:
    """Return the changed items in their order, ready to be shown."""
    prompts: dict[str, list[str]] = {}
    for one in changed:
        prompts.setdefault(one.task, []).append(one.first.prompt)
    shared = {task: shared_beginning(texts) for task, texts in prompts.items()}
    return [
        ShownSample(
            suite_title(one.task),
            one.measure.label,
            shortened(one.first.prompt[shared[one.task] :]),
            shared[one.task],
            expected(one.first),
            (_answer(one.first, one.measure), _answer(one.second, one.measure)),
        )
        for one in changed
    ]


def shared_beginning(prompts: Sequence[str]) -> int:
    """Return how many characters, in whole lines, begin every prompt: the same examples or the same instruction."""
    if len(prompts) < 2:
        return 0
    # What the first and the last in order share, all others between them share too.
    pairs = zip(min(prompts), max(prompts), strict=False)
    same = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    whole_lines = same.rfind("\n") + 1
    return whole_lines if whole_lines >= SHARED else 0


def said(sample: Sample, measure: Measure) -> str:
    """Return what a model said; of choices the one that it finds likeliest, as the measure counts likelihood."""
    response, request = sample.response, sample.item.request
    if not isinstance(response, Likelihoods):
        return response.texts[0]
    assert isinstance(request, Choices)
    scores = response.logprobs
    if measure.name == "accuracy_normalised":
        scores = tuple(value / n for value, n in zip(scores, response.characters, strict=True))
    return request.continuations[scores.index(max(scores))]


def expected(sample: Sample) -> str:
    """Return what would have been right, where the target says it in words; an empty text where it does not."""
    target, request = sample.item.target, sample.item.request
    if not isinstance(target, Mapping):
        return ""
    if isinstance(request, Choices):
        right = target.get("best", target.get("answer"))
        return request.continuations[right].strip() if isinstance(right, int) else ""
    if target.get("answers") == []:
        return "(there is no answer)"
    found: Any = next((target[key] for key in ("answers", "answer", "true", "references") if key in target), "")
    texts = [str(found)] if isinstance(found, str | int | float) else list(dict.fromkeys(map(str, found)))
    more = f" (and {len(texts) - REFERENCES} more)" if len(texts) > REFERENCES else ""
    return " · ".join(texts[:REFERENCES]) + more


def shortened(text: str) -> str:
    """Return the text, its middle left out where it is very long; how much is left out is said."""
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters …]\n{text[-half:]}"


def _answer(sample: Sample, measure: Measure) -> ShownAnswer:
    values = sample.scores[measure.name]
    mean = sum(values) / len(values)
    value = f"{100 * mean:.0f} %" if measure.unit == "share" else f"{mean:.2f} {measure.unit}"
    return ShownAnswer(shortened(said(sample, measure)), value)
