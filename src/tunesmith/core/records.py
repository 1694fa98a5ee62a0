"""The record types that every floor speaks: what a person wrote, ranked or asked.

A record is a value: it has no identity but its content (see `record_id`). `meta` carries what is known about a
record without being part of the text: `user` (split key), `task`, `scenario`, `source`, `labeler`, and `gold` (the
structure from which the built-in desk's judge decides). `meta` must be JSON.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import orjson

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[str, ...] = get_args(Role)

Meta = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One chat turn."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Plain text for pretraining and for the pretraining mix (ptx)."""

    text: str
    meta: Meta = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A conversation that waits for an answer; the last message is not the assistant's."""

    messages: tuple[Message, ...]
    meta: Meta = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """A conversation whose last message is the answer to imitate. Earlier assistant turns count as answers too."""

    messages: tuple[Message, ...]
    meta: Meta = field(default_factory=dict)

    @property
    def prompt(self) -> tuple[Message, ...]:
        """All messages but the last."""
        return self.messages[:-1]

    @property
    def completion(self) -> str:
        """The last assistant message's text."""
        return self.messages[-1].content


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One answer to a prompt. `id` is unique within its ranking record."""

    id: str
    text: str
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingLabel:
    """One labeler's ranking, best group first; the ids inside one group are tied. Ids may be missing (not ranked)."""

    labeler: str
    order: tuple[tuple[str, ...], ...]
    ratings: Mapping[str, int] = field(default_factory=dict)
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seconds: float | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """K completions of one prompt and what each labeler said of them (InstructGPT section 3.4)."""

    messages: tuple[Message, ...]
    completions: tuple[Completion, ...]
    rankings: tuple[RankingLabel, ...]
    meta: Meta = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two completions of one prompt, one preferred."""

    messages: tuple[Message, ...]
    chosen: str
    rejected: str
    meta: Meta = field(default_factory=dict)


Record = Document | Prompt | Demonstration | Ranking | Comparison

KINDS: Mapping[str, type[Record]] = {
    "document": Document,
    "prompt": Prompt,
    "demonstration": Demonstration,
    "ranking": Ranking,
    "comparison": Comparison,
}


def kind_of(record: Record) -> str:
    """Return the label kind's name, a key of `KINDS`."""
    return next(name for name, cls in KINDS.items() if type(record) is cls)


def answers(record: Record) -> list[str]:
    """Return every text that a model wrote or is to write: completions, or a whole document; none of a prompt."""
    match record:
        case Document():
            return [record.text]
        case Demonstration():
            return [record.completion]
        case Comparison():
            return [record.chosen, record.rejected]
        case Ranking():
            return [completion.text for completion in record.completions]
        case Prompt():
            return []


def messages_to_json(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    """Return messages as OpenAI-style objects."""
    return [{"role": m.role, "content": m.content} for m in messages]


def to_json(record: Record) -> dict[str, Any]:
    """Return the record as JSON values, with its `kind`; `from_json` is the inverse."""
    body: dict[str, Any] = {"kind": kind_of(record)}
    match record:
        case Document():
            body["text"] = record.text
        case Prompt() | Demonstration():
            body["messages"] = messages_to_json(record.messages)
        case Comparison():
            body |= {
                "messages": messages_to_json(record.messages),
                "chosen": record.chosen,
                "rejected": record.rejected,
            }
        case Ranking():
            body["messages"] = messages_to_json(record.messages)
            body["completions"] = [{"id": c.id, "text": c.text, "model": c.model} for c in record.completions]
            body["rankings"] = [_label_to_json(label) for label in record.rankings]
    if record.meta:
        body["meta"] = dict(record.meta)
    return body


def _label_to_json(label: RankingLabel) -> dict[str, Any]:
    body: dict[str, Any] = {
        "labeler": label.labeler,
        "order": [list(group) for group in label.order],
        "ratings": dict(label.ratings),
        "flags": {key: list(value) for key, value in label.flags.items()},
    }
    if label.seconds is not None:
        body["seconds"] = label.seconds
    if label.time is not None:
        body["time"] = label.time
    return body


def record_id(record: Record) -> str:
    """Return the content hash of a record: 32 hexadecimal digits of SHA-256 over canonical JSON (sorted keys)."""
    return hashlib.sha256(orjson.dumps(to_json(record), option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
