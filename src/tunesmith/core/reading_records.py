"""Records from JSON; every wrong field is named before anything is converted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tunesmith.core.errors import DataError
from tunesmith.core.records import (
    KINDS,
    ROLES,
    Comparison,
    Completion,
    Demonstration,
    Document,
    Message,
    Meta,
    Prompt,
    Ranking,
    RankingLabel,
    Record,
)


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
        name = item.get("id", index)
        _check_id(name, f"completions[{index}].id")
        completions.append(Completion(id=str(name), text=text, model=str(item.get("model") or "")))
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
    seconds = item.get("seconds")
    if seconds is not None and not _is_number(seconds):
        raise DataError("must be a number", where=f"{where}.seconds")
    for name in ("labeler", "time"):
        if item.get(name) is not None and not isinstance(item[name], str):
            raise DataError(f"must be text, not {type(item[name]).__name__}", where=f"{where}.{name}")
    return RankingLabel(
        labeler=item.get("labeler") or "",
        order=_order(item.get("order"), ids, f"{where}.order"),
        ratings=_ratings(item.get("ratings") or {}, f"{where}.ratings"),
        flags=_flags(item.get("flags") or {}, f"{where}.flags"),
        seconds=None if seconds is None else float(seconds),
        time=item.get("time"),
    )


def _order(order: object, ids: set[str], where: str) -> tuple[tuple[str, ...], ...]:
    if not isinstance(order, list) or not all(isinstance(group, list) for group in order):
        raise DataError('must be a list of lists of completion ids, such as [["a"],["b","c"]]', where=where)
    for group in order:
        for name in group:
            _check_id(name, where)
    groups = tuple(tuple(str(i) for i in group) for group in order)
    ranked = [i for group in groups for i in group]
    if len(set(ranked)) != len(ranked):
        raise DataError("a completion id is ranked twice", where=where)
    unknown = set(ranked) - ids
    if unknown:
        raise DataError(f"unknown completion id {sorted(unknown)[0]!r}", where=where)
    return groups


def _ratings(ratings: object, where: str) -> dict[str, int]:
    if not isinstance(ratings, dict):
        raise DataError("must be an object", where=where)
    for name, rating in ratings.items():
        if not _is_number(rating) or rating % 1 or abs(rating) >= 2**53:
            raise DataError(f"must be a whole number, not {str(rating)[:40]}", where=f"{where}.{name}")
    return {str(name): int(rating) for name, rating in ratings.items()}


def _flags(flags: object, where: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(flags, dict) or not all(_is_texts(value) for value in flags.values()):
        raise DataError("must give a list of texts per completion", where=where)
    return {str(name): tuple(value) for name, value in flags.items()}


def _check_id(value: object, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DataError(f"must be text or a whole number, not {type(value).__name__}", where=where)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
