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

from tunesmith.core.errors import DataError

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


def from_json(body: Mapping[str, Any]) -> Record:
    """Return the record that `to_json` wrote.

    Raises:
        DataError: the kind is unknown, a field is missing, or a value has the wrong type; `where` names the field.
    """
    kind = body.get("kind")
    meta = body.get("meta", {})
    if not isinstance(meta, dict):
        raise DataError("must be an object", where="meta")
    if kind == "document":
        return Document(text=text_field(body, "text"), meta=meta)
    if kind not in KINDS:
        raise DataError(f"unknown record kind {kind!r}", where="kind", remedy=f"use one of {', '.join(KINDS)}")
    messages = messages_from_json(body.get("messages"))
    if kind == "prompt":
        return Prompt(messages=messages, meta=meta)
    if kind == "demonstration":
        return Demonstration(messages=messages, meta=meta)
    if kind == "comparison":
        chosen, rejected = text_field(body, "chosen"), text_field(body, "rejected")
        return Comparison(messages=messages, chosen=chosen, rejected=rejected, meta=meta)
    return ranking_from_json(body, messages, meta)


def text_field(body: Mapping[str, Any], name: str) -> str:
    """Return a field that must be a string.

    Raises:
        DataError: the field is missing or not a string.
    """
    if name not in body:
        raise DataError("is missing", where=name)
    value = body[name]
    if not isinstance(value, str):
        raise DataError(f"must be text, not {type(value).__name__}", where=name)
    return value


def messages_from_json(value: object, where: str = "messages") -> tuple[Message, ...]:
    """Return messages from OpenAI-style objects.

    Raises:
        DataError: not a non-empty list of `{"role", "content"}` with known roles and text content.
    """
    if not isinstance(value, list) or not value:
        raise DataError("must be a non-empty list of messages", where=where)
    messages = []
    for index, item in enumerate(value):
        place = f"{where}[{index}]"
        if not isinstance(item, dict):
            raise DataError(f"must be an object, not {type(item).__name__}", where=place)
        role = item.get("role")
        if role not in ROLES:
            raise DataError(f"unknown role {role!r}", where=f"{place}.role", remedy=f"use one of {', '.join(ROLES)}")
        content = item.get("content")
        if not isinstance(content, str):
            raise DataError(f"must be text, not {type(content).__name__}", where=f"{place}.content")
        messages.append(Message(role, content))
    return tuple(messages)


def ranking_from_json(body: Mapping[str, Any], messages: tuple[Message, ...], meta: Meta) -> Ranking:
    """Return the ranking record of DESIGN section 5.

    Raises:
        DataError: duplicate or unknown completion ids, or a field of the wrong type.
    """
    raw = body.get("completions")
    if not isinstance(raw, list) or not raw:
        raise DataError("must be a non-empty list", where="completions")
    completions = []
    for index, item in enumerate(raw):
        if not isinstance(item, dict):
            raise DataError("must be an object", where=f"completions[{index}]")
        try:
            text = text_field(item, "text")
        except DataError as error:
            raise DataError(error.what, where=f"completions[{index}].text") from error
        completions.append(Completion(id=str(item.get("id", index)), text=text, model=str(item.get("model") or "")))
    ids = {c.id for c in completions}
    if len(ids) != len(completions):
        raise DataError("two completions have the same id", where="completions")
    labels = body.get("rankings", [])
    if not isinstance(labels, list):
        raise DataError("must be a list", where="rankings")
    rankings = tuple(_label_from_json(item, ids, f"rankings[{i}]") for i, item in enumerate(labels))
    return Ranking(messages=messages, completions=tuple(completions), rankings=rankings, meta=meta)


def _label_from_json(item: object, ids: set[str], where: str) -> RankingLabel:
    if not isinstance(item, dict):
        raise DataError("must be an object", where=where)
    order = item.get("order")
    if not isinstance(order, list) or not all(isinstance(group, list) for group in order):
        raise DataError('must be a list of lists of completion ids, such as [["a"],["b","c"]]', where=f"{where}.order")
    groups = tuple(tuple(str(i) for i in group) for group in order)
    ranked = [i for group in groups for i in group]
    if len(set(ranked)) != len(ranked):
        raise DataError("a completion id is ranked twice", where=f"{where}.order")
    unknown = set(ranked) - ids
    if unknown:
        raise DataError(f"unknown completion id {sorted(unknown)[0]!r}", where=f"{where}.order")
    flags = {str(k): tuple(map(str, v)) for k, v in (item.get("flags") or {}).items()}
    return RankingLabel(
        labeler=str(item.get("labeler") or ""),
        order=groups,
        ratings={str(k): int(v) for k, v in (item.get("ratings") or {}).items()},
        flags=flags,
        seconds=None if item.get("seconds") is None else float(item["seconds"]),
        time=None if item.get("time") is None else str(item["time"]),
    )


def record_id(record: Record) -> str:
    """Return the content hash of a record: 32 hexadecimal digits of SHA-256 over canonical JSON (sorted keys)."""
    return hashlib.sha256(orjson.dumps(to_json(record), option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
