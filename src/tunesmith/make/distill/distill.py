"""A teacher's answers become demonstrations: filtered, the best of n, with where they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tunesmith.core.records import Comparison, Demonstration, Message, Prompt, Ranking, Record, record_id
from tunesmith.make.distill.ask import Question, seeded
from tunesmith.make.distill.filters import Filters, fault
from tunesmith.make.distill.log import Answer, answer_key
from tunesmith.make.distill.scorer import Scorer
from tunesmith.make.origin import split_keys_of
from tunesmith.make.teacher import Decoding, Teacher, provenance


class Unanswered(NamedTuple):
    """A prompt that got no demonstration, and why each of its answers was left out."""

    prompt: str
    reasons: list[str]


@dataclass(slots=True)
class Distilled:
    """The demonstrations, the answers that were left out by reason, and the prompts that have none."""

    records: list[Demonstration] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    unanswered: list[Unanswered] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How a demonstration is made of answers: n of them, filtered, the best by a scorer (None: the first)."""

    completions: int
    filters: Filters
    scorer: Scorer | None = None


def prompts_of(records: Sequence[Record]) -> list[Record]:
    """Return the records that have a prompt, each prompt once."""
    found: dict[tuple[Message, ...], Record] = {}
    for record in records:
        if isinstance(record, Prompt | Demonstration | Comparison | Ranking):
            found.setdefault(prompt_messages(record), record)
    return list(found.values())


def prompt_messages(record: Record) -> tuple[Message, ...]:
    """Return the messages that wait for an answer."""
    assert isinstance(record, Prompt | Demonstration | Comparison | Ranking)
    return record.prompt if isinstance(record, Demonstration) else record.messages


def questions(records: Sequence[Record], completions: int) -> list[Question]:
    """Return what to ask: every prompt `completions` times, the first answers of all prompts before the second ones."""
    return [Question(prompt_messages(record), number) for number in range(completions) for record in records]


def distill(
    records: Sequence[Record], answers: Mapping[str, Answer], teacher: Teacher, decoding: Decoding, choice: Choice
) -> Distilled:
    """Return a demonstration for each prompt that has an answer left after the filters."""
    result = Distilled()
    for record in records:
        messages = prompt_messages(record)
        kept: list[Answer] = []
        reasons: list[str] = []
        for number in range(choice.completions):
            answer = answers.get(answer_key(teacher.name, seeded(decoding, number), messages, number))
            reason = "not answered" if answer is None else fault(answer, choice.filters)
            if answer is None or reason:
                reasons.append(reason)
                result.left_out[reason] += 1
            else:
                kept.append(answer)
        if kept:
            result.records.append(_demonstration(record, kept, teacher, decoding, choice))
        else:
            result.unanswered.append(Unanswered(record_id(record), reasons))
    return result


def _demonstration(
    record: Record, kept: Sequence[Answer], teacher: Teacher, decoding: Decoding, choice: Choice
) -> Demonstration:
    messages = prompt_messages(record)
    best, scores = kept[0], None
    if choice.scorer is not None and len(kept) > 1:
        scores = choice.scorer.score(messages, [answer.text.strip() for answer in kept])
        best = kept[max(range(len(kept)), key=lambda i: scores[i])]
    origin: dict[str, Any] = {"parent": record_id(record), **provenance(teacher, decoding, best.time)}
    if scores is not None and choice.scorer is not None:
        origin |= {"scorer": choice.scorer.name, "score": max(scores), "of": len(kept)}
    # What belonged to the old answer does not belong to the new one.
    meta = {key: value for key, value in record.meta.items() if key not in ("labeler", "augmented", "synthesized")}
    meta |= {"distilled": origin, "split_keys": split_keys_of([record])}
    return Demonstration(messages=(*messages, Message("assistant", best.text.strip())), meta=meta)
