"""Labels that were made elsewhere: ranking records and demonstrations enter the log under their labelers' names.

The key of each event follows from what it says, so the same file again stores nothing twice.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection

from tunesmith.core.errors import DataError
from tunesmith.core.records import Demonstration, Ranking, RankingLabel, Record
from tunesmith.label.adding import item_record
from tunesmith.store.annotation import labels, users
from tunesmith.store.annotation.items import NewItem, add_items, find_item
from tunesmith.store.annotation.queue import lock_item, take_slot
from tunesmith.store.annotation.tasks import AnnotationTask
from tunesmith.store.annotation.users import User
from tunesmith.store.problems import NotNow

UNNAMED = "imported"


class ImportedLabels(NamedTuple):
    """How many labels are new or were there, and what was refused by reason."""

    new: int
    known: int
    refused: Mapping[str, int]


class _Said(NamedTuple):
    labeler: str
    payload: dict[str, Any]
    seconds: float | None


def import_labels(
    connection: Connection, task: AnnotationTask, records: Iterable[Record], *, now: float
) -> ImportedLabels:
    """Store every label of the records; items and labelers that are not there yet are made.

    A label is refused where the item has all its labels already, or this labeler said something else of it.
    """
    new, known, refused = 0, 0, Counter[str]()
    for record in records:
        try:
            shown, all_said = item_record(task.kind, record), _said(task, record)
        except DataError as error:
            refused[error.what] += 1
            continue
        add_items(connection, task, [NewItem(record=shown)])
        item_id = find_item(connection, task.id, shown)
        assert item_id is not None
        for said in all_said:
            try:
                is_new = _store(connection, task, item_id, said, now)
            except NotNow as error:
                refused[error.what] += 1
                continue
            new, known = new + is_new, known + (not is_new)
    return ImportedLabels(new, known, dict(refused))


def _said(task: AnnotationTask, record: Record) -> list[_Said]:
    if task.kind in ("rank", "pair") and isinstance(record, Ranking):
        if not record.rankings:
            raise DataError("the record has no rankings")
        return [_Said(label.labeler, _payload(record, label), label.seconds) for label in record.rankings]
    if task.kind == "write" and isinstance(record, Demonstration):
        return [_Said(str(record.meta.get("labeler") or UNNAMED), {"text": record.completion}, None)]
    raise DataError(f"a {task.kind} task has no use for such a record's labels")


def _payload(record: Ranking, label: RankingLabel) -> dict[str, Any]:
    ids = [completion.id for completion in record.completions]
    named = [name for group in label.order for name in group]
    if sorted(named) != sorted(ids):
        raise DataError("the ranking leaves completions out")
    flags = {name: list(said) for name, said in label.flags.items()}
    return {"order": [list(group) for group in label.order], "ratings": dict(label.ratings), "flags": flags}


def _store(connection: Connection, task: AnnotationTask, item_id: int, said: _Said, now: float) -> bool:
    user = _labeler(connection, said.labeler, now)
    content = orjson.dumps([task.id, item_id, said.labeler, said.payload], option=orjson.OPT_SORT_KEYS)
    key = f"import-{hashlib.sha256(content).hexdigest()[:48]}"
    lock_item(connection, item_id)
    if labels.find_event(connection, key) is not None:
        return False
    if any(event.labeler == said.labeler for event in labels.labels_of(connection, item_id)):
        raise NotNow("this labeler said something else of the item")
    with connection.begin_nested():
        take_slot(connection, task, item_id, user, now=now)
        submission = labels.Submission(key=key, item_id=item_id, payload=said.payload, seconds=said.seconds)
        labels.submit(connection, user, submission, now=now)
    return True


def _labeler(connection: Connection, name: str, now: float) -> User:
    return users.find_user(connection, name) or users.add_user(connection, name, role="labeler", now=now)
