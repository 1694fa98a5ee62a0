"""Samples side by side: one prompt, what each model answered, and what the judge said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tunesmith.core.errors import DataError
from tunesmith.core.reading_records import from_json
from tunesmith.core.records import Prompt, to_json
from tunesmith.desk.judge import Verdict


class Answer(NamedTuple):
    """A completion and its verdict; None where there is no judge for such prompts."""

    text: str
    verdict: Verdict | None = None


class Sample(NamedTuple):
    """A prompt with one answer per model key."""

    prompt: Prompt
    answers: Mapping[str, Answer]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; `sample_from_json` is the inverse."""
        answers = {key: {"text": a.text, **_verdict_json(a.verdict)} for key, a in self.answers.items()}
        return {"prompt": to_json(self.prompt), "answers": answers}


def sample_from_json(body: Mapping[str, Any]) -> Sample:
    """Return the sample that `Sample.to_json` wrote.

    Raises:
        DataError: a field is missing or of the wrong form.
    """
    try:
        prompt = from_json(body["prompt"])
        answers = {key: Answer(a["text"], _verdict(a.get("verdict"))) for key, a in body["answers"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError("not a sample", where="samples", why=repr(error)) from error
    if not isinstance(prompt, Prompt):
        raise DataError("a sample's prompt must be a prompt record", where="samples.prompt")
    return Sample(prompt, answers)


def choose_samples(
    prompts: Sequence[Prompt],
    completions: Mapping[str, Sequence[str]],
    verdicts: Mapping[str, Sequence[Verdict]],
    *,
    n: int,
    seed: int,
) -> list[Sample]:
    """Return n samples drawn without looking at the answers, spread over tasks: one of each before a second of any.

    `completions[model][i]` answers `prompts[i]`; `verdicts` may lack models, or be empty.
    """
    shuffled = np.random.default_rng(seed).permutation(len(prompts))
    seen: dict[str, int] = {}
    turns: list[tuple[int, int, int]] = []
    for place, index in enumerate(shuffled):
        task = str(prompts[index].meta.get("task", ""))
        seen[task] = seen.get(task, 0) + 1
        turns.append((seen[task], place, int(index)))
    return [
        Sample(
            prompts[i],
            {m: Answer(texts[i], verdicts[m][i] if m in verdicts else None) for m, texts in completions.items()},
        )
        for _, _, i in sorted(turns)[:n]
    ]


def _verdict_json(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {}
    return {"verdict": {**verdict._asdict(), "reasons": list(verdict.reasons), "habits": list(verdict.habits)}}


def _verdict(body: Mapping[str, Any] | None) -> Verdict | None:
    if body is None:
        return None
    return Verdict(**{**body, "reasons": tuple(body["reasons"]), "habits": tuple(body.get("habits", ()))})
