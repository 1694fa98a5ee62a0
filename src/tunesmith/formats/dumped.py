"""What one record looks like in a file format, and what the format has no room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tunesmith.core.records import Comparison, Message, Ranking, Record
from tunesmith.formats.comparisons import comparisons


class Dumped(NamedTuple):
    """The rows of one record, and the names of what was lost ("ties"). No rows: the format cannot hold the record."""

    rows: list[dict[str, Any]]
    lost: tuple[str, ...] = ()


class Pairs(NamedTuple):
    """A record as comparisons, and what that loses."""

    pairs: list[Comparison]
    lost: tuple[str, ...]


def lost_meta(record: Record) -> tuple[str, ...]:
    """Return what a format without room for meta loses."""
    return ("meta",) if record.meta else ()


def pairs_of(record: Record) -> Pairs:
    """Return the comparisons of a comparison or ranking, and what a list of pairs cannot say of a ranking."""
    if isinstance(record, Comparison):
        return Pairs([record], ())
    if not isinstance(record, Ranking):
        return Pairs([], ())
    lost = []
    if any(len(group) > 1 for label in record.rankings for group in label.order):
        lost.append("ties")
    if any(label.ratings or label.flags or label.time or label.seconds is not None for label in record.rankings):
        lost.append("ratings, flags and times")
    if any(label.labeler for label in record.rankings):
        lost.append("labelers")
    if any(completion.model for completion in record.completions):
        lost.append("model names")
    ranked = {i for label in record.rankings for group in label.order for i in group}
    if any(completion.id not in ranked for completion in record.completions):
        lost.append("completions that nobody ranked")
    if len(record.completions) > 2 or len(record.rankings) > 1:
        lost.append("the grouping of comparisons by prompt")
    return Pairs(comparisons(record), tuple(lost))


class Split(NamedTuple):
    """A prompt in single turns: `system` (may be empty), earlier question-answer pairs, and the last question."""

    system: str
    history: list[list[str]]
    prompt: str


def split_turns(messages: Sequence[Message]) -> Split | None:
    """Return the single turns of a prompt that strictly alternates, else None."""
    system = messages[0].content if messages and messages[0].role == "system" else ""
    rest = messages[1:] if system else messages
    roles = [message.role for message in rest]
    if len(rest) % 2 == 0 or roles != ["user", "assistant"] * (len(rest) // 2) + ["user"]:
        return None
    history = [[rest[i].content, rest[i + 1].content] for i in range(0, len(rest) - 1, 2)]
    return Split(system, history, rest[-1].content)
