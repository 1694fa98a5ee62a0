"""Ranking records: K completions of one prompt with each labeler's order, where an inner list is a tie."""

from __future__ import annotations

import math
from typing import Any

from tunesmith.core.errors import DataError
from tunesmith.core.records import Ranking, Record, messages_from_json, ranking_from_json, to_json
from tunesmith.formats.convert import as_kind
from tunesmith.formats.dumped import Dumped
from tunesmith.formats.fields import JsonRow, extras

NAME = "ranking"
_FIELDS = frozenset({"messages", "completions", "rankings", "kind"})


def sniff(row: JsonRow) -> bool:
    """Say whether the row has the three lists of a ranking record."""
    return "kind" not in row and all(
        isinstance(row.get(name), list) for name in ("messages", "completions", "rankings")
    )


def parse(row: JsonRow) -> list[Record]:
    """Return the ranking; fields outside the record become meta.

    Raises:
        DataError: a field is missing or wrong; ids and numbers are checked before they are converted.
    """
    messages = messages_from_json(row.get("messages"))
    completions = row.get("completions")
    for index, item in enumerate(completions if isinstance(completions, list) else []):
        if isinstance(item, dict):
            _check_id(item.get("id", index), f"completions[{index}].id")
    labels = row.get("rankings", [])
    for index, label in enumerate(labels if isinstance(labels, list) else []):
        if isinstance(label, dict):
            _check_label(label, f"rankings[{index}]")
    return [ranking_from_json(row, messages, extras(row, _FIELDS))]


def _check_id(value: object, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DataError(f"must be text or a whole number, not {type(value).__name__}", where=where)


def _check_label(label: dict[str, Any], where: str) -> None:
    order = label.get("order")
    for group in order if isinstance(order, list) else []:
        for item in group if isinstance(group, list) else []:
            _check_id(item, f"{where}.order")
    ratings = label.get("ratings") or {}
    if not isinstance(ratings, dict):
        raise DataError("must be an object", where=f"{where}.ratings")
    for name, rating in ratings.items():
        if not _is_number(rating) or rating % 1 or abs(rating) >= 2**53:
            raise DataError(f"must be a whole number, not {str(rating)[:40]}", where=f"{where}.ratings.{name}")
    flags = label.get("flags") or {}
    if not isinstance(flags, dict) or not all(_is_texts(value) for value in flags.values()):
        raise DataError("must give a list of texts per completion", where=f"{where}.flags")
    seconds = label.get("seconds")
    if seconds is not None and not _is_number(seconds):
        raise DataError("must be a number", where=f"{where}.seconds")
    for name in ("labeler", "time"):
        if label.get(name) is not None and not isinstance(label[name], str):
            raise DataError(f"must be text, not {type(label[name]).__name__}", where=f"{where}.{name}")


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def dump(record: Record) -> Dumped:
    """Return a ranking or comparison as a ranking record; `meta` stays."""
    rankings = [r for r in as_kind(record, "ranking") if isinstance(r, Ranking)]
    rows = [{key: value for key, value in to_json(r).items() if key != "kind"} for r in rankings]
    return Dumped(rows)
