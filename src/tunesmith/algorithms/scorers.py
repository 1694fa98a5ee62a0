"""Scorer functions: rewards for GRPO that need no reward model, computed from the text alone.

A scorer takes the prompt's record and the completion's text and returns a number, or None where it cannot say (such a
completion is left out of its group, not scored 0).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from tunesmith.core.records import Prompt

Scorer = Callable[[Prompt, str], float | None]


def exact_match(prompt: Prompt, completion: str) -> float | None:
    """1 when the completion equals `meta["answer"]`, white space aside; None without an answer."""
    answer = prompt.meta.get("answer")
    return None if answer is None else float(completion.strip() == str(answer).strip())


def contains_answer(prompt: Prompt, completion: str) -> float | None:
    """1 when `meta["answer"]` stands in the completion, case aside; None without an answer."""
    answer = prompt.meta.get("answer")
    return None if answer is None else float(str(answer).strip().lower() in completion.lower())


def valid_json(prompt: Prompt, completion: str) -> float | None:
    """1 when the completion is one JSON value."""
    del prompt
    try:
        json.loads(completion)
    except (ValueError, RecursionError):
        return 0.0
    return 1.0


def brevity(prompt: Prompt, completion: str) -> float | None:
    """1 for an empty completion, falling by 0.01 a character to 0."""
    del prompt
    return max(0.0, 1.0 - len(completion) / 100)


SCORERS: Mapping[str, Scorer] = {
    "exact_match": exact_match,
    "contains_answer": contains_answer,
    "valid_json": valid_json,
    "brevity": brevity,
}
