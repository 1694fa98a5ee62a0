"""Evol-style deepening: a teacher makes a prompt harder, then answers it (Xu et al. 2023, arXiv 2304.12244, section 3).

The paper's operations are here in this project's own words: five that deepen and one that widens. What the paper
eliminates is left out and counted: no gain over the old prompt, an answer that declines, an answer of function words
only, and a prompt that talks about prompts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tunesmith.core.records import Demonstration, Message, Record, record_id
from tunesmith.make.augment.method import Asked, asked, first_turn_only
from tunesmith.make.augment.protect import FUNCTION_WORDS
from tunesmith.make.distill.filters import is_refusal
from tunesmith.make.origin import split_keys_of
from tunesmith.make.rouge import rouge_l_reaches, tokens
from tunesmith.make.seeds import generator
from tunesmith.make.synthesize.self_instruct import Say

OPERATIONS: Mapping[str, str] = {
    "constraint": "Add one more condition or requirement to the request.",
    "deepen": "If the request can be answered in general terms, make it ask for more depth on the same matter.",
    "concrete": "Replace what is general in the request by something specific.",
    "reasoning": "Change the request so that several steps of reasoning are needed where one was enough.",
    "input": "Add a piece of data, such as a small table, some code or a list, that the answer has to use.",
    "breadth": "Write a quite different request from the same field, rarer but about as long and as hard.",
}
_NO_GAIN = 0.9  # ROUGE-L with the old prompt
_LONGER = 4  # times as many words as before, plus twenty: more is another task
_LEAKS = re.compile(r"\b(?:given|rewritten|new|evolved|original) (?:prompt|request)\b|#(?:prompt|request)", re.I)


@dataclass(slots=True)
class Evolved:
    """The new demonstrations, and how many were left out for which reason."""

    records: list[Demonstration] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def evolve(say: Say, records: Sequence[Record], *, depth: int, seed: int, teacher: str) -> Evolved:
    """Return demonstrations evolved from single-turn records, `depth` operations one on top of the other.

    Every step that holds gives a demonstration; a step that is left out ends its record's chain.
    """
    result = Evolved()
    for record in records:
        if not isinstance(record, Asked) or not first_turn_only(record):
            result.left_out["not a single question"] += 1
            continue
        rng = generator(seed, record_id(record), "evolve")
        prompt = asked(record)
        for step in range(depth):
            operation = rng.choice(list(OPERATIONS))
            harder = say(_request(OPERATIONS[operation], prompt)).strip()
            reason = _objection(prompt, harder)
            answer = "" if reason else say(harder).strip()
            reason = reason or _answer_objection(answer)
            if reason:
                result.left_out[reason] += 1
                break
            origin = {"operation": operation, "step": step + 1, "teacher": teacher, "seed": seed}
            result.records.append(_demonstration(record, harder, answer, origin))
            prompt = harder
    return result


def _request(operation: str, prompt: str) -> str:
    return (
        "Rewrite the request below so that it becomes a little harder for a capable assistant, yet stays sensible and "
        f"can be understood and answered by people. {operation} Add at most twenty words. Do not answer it, and write "
        f"nothing but the new request.\n\nRequest:\n{prompt}"
    )


def _objection(old: str, new: str) -> str:
    if not tokens(new):
        return "no new prompt"
    if _LEAKS.search(new):
        return "the new prompt talks about prompts"
    if is_refusal(new):
        return "the teacher declined to rewrite"
    if rouge_l_reaches(tokens(old), tokens(new), _NO_GAIN):
        return "no gain over the old prompt"
    if len(tokens(new)) > _LONGER * len(tokens(old)) + 20:
        return "much longer than asked"
    return ""


def _answer_objection(answer: str) -> str:
    if not set(tokens(answer)) - FUNCTION_WORDS:
        return "an answer without content"
    return "the teacher declined to answer" if is_refusal(answer) else ""


def _demonstration(parent: Record, prompt: str, answer: str, origin: dict[str, object]) -> Demonstration:
    meta = {
        "task": parent.meta.get("task", "other"),
        "scenario": "complex",
        "synthesized": {"method": "evolve", "parents": [record_id(parent)], **origin},
        "split_keys": split_keys_of([parent]),
    }
    return Demonstration(messages=(Message("user", prompt), Message("assistant", answer)), meta=meta)
