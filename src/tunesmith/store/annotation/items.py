"""Items: one prompt with its completions inside an annotation task. The same record is never added twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, insert, select

from tunesmith.core.reading_records import from_json
from tunesmith.core.records import Record, record_id, to_json
from tunesmith.store.annotation.tables import items
from tunesmith.store.annotation.tasks import MOST_OVERLAP, AnnotationTask
from tunesmith.store.problems import NoSuchThing

EVERYBODY = 10_000  # places on an item that every labeler answers
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """An item to be added. `gold` is its known answer, as a label's payload; it makes the item a hidden test."""

    record: Record
    priority: int = 0
    skill: str | None = None
    gold: Mapping[str, Any] | None = field(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item as it is stored."""

    id: int
    annotation_task_id: int
    record: Record
    gold: Mapping[str, Any] | None
    overlap: int


class Added(NamedTuple):
    """How many items were new, and how many were there already."""

    new: int
    known: int


def add_items(
    connection: Connection, task: AnnotationTask, new_items: Iterable[NewItem], *, overlap: int | None = None
) -> Added:
    """Store items that the annotation task does not have yet. A gold item waits for every labeler once.

    With `overlap` so many labelers answer each, and none of them is part of the ordinary queue.
    """
    found = select(items.c.record_id).where(items.c.annotation_task_id == task.id)
    known = set(connection.execute(found).scalars())
    n_known, n_new, rows = 0, 0, list[dict[str, Any]]()
    for item in new_items:
        name = record_id(item.record)
        if name in known:
            n_known += 1
            continue
        known.add(name)
        n_new += 1
        rows.append(_row(task, item, name, overlap))
        if len(rows) == _BATCH:
            connection.execute(insert(items), rows)
            rows.clear()
    if rows:
        connection.execute(insert(items), rows)
    return Added(n_new, n_known)


def get_item(connection: Connection, item_id: int) -> Item:
    """Return an item.

    Raises:
        NoSuchThing: there is no such item.
    """
    row = connection.execute(select(items).where(items.c.id == item_id)).one_or_none()
    if row is None:
        raise NoSuchThing(f"there is no item {item_id}")
    return item_of(row)


def items_by_id(connection: Connection, item_ids: Collection[int]) -> dict[int, Item]:
    """Return these items, by number; those that do not exist are left out."""
    found = connection.execute(select(items).where(items.c.id.in_(item_ids)))
    return {row.id: item_of(row) for row in found}


def find_item(connection: Connection, annotation_task_id: int, record: Record) -> int | None:
    """Return the number of the item that holds this record, or None."""
    same = (items.c.annotation_task_id == annotation_task_id, items.c.record_id == record_id(record))
    found: int | None = connection.execute(select(items.c.id).where(*same)).scalar_one_or_none()
    return found


def item_of(row: Any) -> Item:
    """Return the item of a row of `items`."""
    return Item(
        id=row.id,
        annotation_task_id=row.annotation_task_id,
        record=from_json(orjson.loads(row.record)),
        gold=None if row.gold is None else orjson.loads(row.gold),
        overlap=row.overlap,
    )


def _row(task: AnnotationTask, item: NewItem, name: str, apart: int | None) -> dict[str, Any]:
    overlap = apart or (task.overlap if item.gold is None else MOST_OVERLAP)
    return {
        "annotation_task_id": task.id,
        "record_id": name,
        "record": orjson.dumps(to_json(item.record), option=orjson.OPT_SORT_KEYS).decode(),
        "priority": item.priority,
        "skill": item.skill,
        "gold": None if item.gold is None else orjson.dumps(item.gold, option=orjson.OPT_SORT_KEYS).decode(),
        "is_gold": item.gold is not None or apart is not None,
        "overlap": overlap,
        "free": overlap,
    }
