"""Labels leave the desk as records, item by item in constant memory, always in the same order.

Where a reviewer decided an item, the newest decision stands for its labels. Gold items are tests of labelers and stay
inside. A completion that a labeler called not acceptable carries the flag `not_acceptable`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple

import orjson
from sqlalchemy import Connection

from tunesmith.core.records import (
    Comparison,
    Demonstration,
    Message,
    Ranking,
    Record,
    messages_to_json,
    to_json,
)
from tunesmith.label.review import label_of
from tunesmith.label.work import prompt_of
from tunesmith.statistics.agreement import strict_pairs
from tunesmith.store.annotation.items import Item, items_by_id
from tunesmith.store.annotation.labels import LabelEvent, label_stream
from tunesmith.store.annotation.tasks import AnnotationTask

_ITEMS_AT_ONCE = 500


class LabeledItem(NamedTuple):
    """An item with the labels that stand for it."""

    item: Item
    events: list[LabelEvent]


class Written(NamedTuple):
    """How many records were written, and how many ties, which a comparison cannot hold."""

    records: int
    ties: int


def labeled_items(
    connection: Connection,
    task: AnnotationTask,
    *,
    without: Collection[str] = (),
    gold: bool = False,
    decisions: bool = True,
) -> Iterator[LabeledItem]:
    """Yield the ordinary (or the gold) items that have labels; `without` names labelers to leave out.

    With `decisions` False reviewers' decisions are ignored, and every labeler's own label stands.
    """
    by_item = itertools.groupby(label_stream(connection, task.id), key=lambda event: event.item_id)
    groups = ((item_id, list(group)) for item_id, group in by_item)
    while batch := list(itertools.islice(groups, _ITEMS_AT_ONCE)):
        items = items_by_id(connection, [item_id for item_id, _ in batch])
        for item_id, group in batch:
            events = _standing([event for event in group if decisions or event.kind == "label"], without)
            if events and (items[item_id].gold is not None) == gold:
                yield LabeledItem(items[item_id], events)


def ranking_of(labeled: LabeledItem) -> Ranking:
    """Return the ranking record with everybody's labels."""
    record = labeled.item.record
    assert isinstance(record, Ranking)
    labels = tuple(label_of(event, time=_when(event), verdict=True) for event in labeled.events)
    return dataclasses.replace(record, rankings=labels)


def rankings_of(labeled: Iterable[LabeledItem]) -> Iterator[Ranking]:
    """Yield one ranking record per item."""
    return map(ranking_of, labeled)


def demonstrations_of(labeled: Iterable[LabeledItem]) -> Iterator[Demonstration]:
    """Yield one demonstration per written or edited completion."""
    for one in labeled:
        asked = tuple(prompt_of(one.item))
        for event in one.events:
            meta = {**one.item.record.meta, "labeler": event.labeler, "item": one.item.id}
            answer = Message("assistant", event.payload["text"])
            yield Demonstration(messages=(*asked, answer), meta=meta)


def write_rankings(labeled: Iterable[LabeledItem], out: BinaryIO) -> Written:
    """Write one ranking record per item."""
    n = 0
    for record in rankings_of(labeled):
        _write(out, to_json(record))
        n += 1
    return Written(n, 0)


def write_rows(rows: Iterable[Record | dict[str, Any]], out: BinaryIO) -> None:
    """Write records, or rows that are JSON already."""
    for row in rows:
        _write(out, row if isinstance(row, dict) else to_json(row))


def write_comparisons(labeled: Iterable[LabeledItem], out: BinaryIO, ties: BinaryIO) -> Written:
    """Write one comparison per pair that a labeler ordered; pairs that they called equal go to `ties`, named."""
    n_strict = n_ties = 0
    for one in labeled:
        ranking = ranking_of(one)
        texts = {completion.id: completion.text for completion in ranking.completions}
        for label in ranking.rankings:
            meta = {**ranking.meta, "labeler": label.labeler, "item": one.item.id}
            for pair in strict_pairs(label):
                chosen, rejected = texts[pair.chosen], texts[pair.rejected]
                record = Comparison(messages=ranking.messages, chosen=chosen, rejected=rejected, meta=meta)
                _write(out, to_json(record))
                n_strict += 1
            for group in label.order:
                for first, second in itertools.combinations(group, 2):
                    _write(ties, _tie(ranking, (texts[first], texts[second]), meta))
                    n_ties += 1
    return Written(n_strict, n_ties)


def write_demonstrations(labeled: Iterable[LabeledItem], out: BinaryIO) -> Written:
    """Write one demonstration per written or edited completion."""
    n = 0
    for record in demonstrations_of(labeled):
        _write(out, to_json(record))
        n += 1
    return Written(n, 0)


def _standing(events: list[LabelEvent], without: Collection[str]) -> list[LabelEvent]:
    decisions = [event for event in events if event.kind == "decision"]
    if decisions:
        return decisions[-1:]
    return [event for event in events if event.labeler not in without]


def _when(event: LabelEvent) -> str:
    return datetime.fromtimestamp(event.time, UTC).isoformat(timespec="seconds")


def _tie(ranking: Ranking, texts: tuple[str, str], meta: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "tie", "messages": messages_to_json(ranking.messages), "completions": list(texts), "meta": meta}


def _write(out: BinaryIO, body: dict[str, Any]) -> None:
    out.write(orjson.dumps(body, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
