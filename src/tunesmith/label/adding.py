"""Records become items of an annotation task; what cannot is counted by reason."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection

from tunesmith.core.errors import DataError
from tunesmith.core.records import Comparison, Completion, Demonstration, Document, Prompt, Ranking, Record
from tunesmith.label.blind import LETTERS, names_its_maker
from tunesmith.store.annotation.items import NewItem, add_items
from tunesmith.store.annotation.tasks import AnnotationTask, TaskKind


class AddedRecords(NamedTuple):
    """How many items are new or were there, what was refused by reason, and how many items name a text's maker."""

    new: int
    known: int
    refused: Mapping[str, int]
    leaks: int


def add_records(
    connection: Connection,
    task: AnnotationTask,
    records: Iterable[Record],
    *,
    priority: int = 0,
    skill: str | None = None,
    gold: bool = False,
) -> AddedRecords:
    """Store records as items. With `gold` each record's own answer becomes the hidden truth of its item."""
    refused: Counter[str] = Counter()
    made: list[NewItem] = []
    leaks = 0
    for record in records:
        try:
            shown = item_record(task.kind, record)
            truth = known_answer(record) if gold else None
        except DataError as error:
            refused[error.what] += 1
            continue
        made.append(NewItem(record=shown, priority=priority, skill=skill, gold=truth))
        leaks += isinstance(shown, Ranking) and any(names_its_maker(one.text) for one in shown.completions)
    added = add_items(connection, task, made)
    return AddedRecords(added.new, added.known, dict(refused), leaks)


def item_record(kind: TaskKind, record: Record) -> Record:
    """Return what labelers of such a task work on, without anybody's labels.

    Raises:
        DataError: the record does not suit the kind of task.
    """
    if isinstance(record, Document):
        raise DataError("a document asks nothing")
    if kind == "write":
        messages = record.prompt if isinstance(record, Demonstration) else record.messages
        return Prompt(messages=messages, meta=record.meta)
    if kind == "edit":
        if isinstance(record, Demonstration):
            return record
        raise DataError("editing needs demonstrations, whose last message is the draft")
    return _to_rank(kind, record)


def known_answer(record: Record) -> dict[str, Any]:
    """Return the order that a record's first ranking, or a comparison, gives.

    Raises:
        DataError: the record holds no answer.
    """
    if isinstance(record, Comparison):
        return {"order": [["a"], ["b"]]}
    if isinstance(record, Ranking) and record.rankings:
        return {"order": [list(group) for group in record.rankings[0].order]}
    raise DataError("a gold item needs a ranking or a comparison with the answer in it")


def _to_rank(kind: TaskKind, record: Record) -> Ranking:
    if isinstance(record, Comparison):
        pair = (Completion(id="a", text=record.chosen), Completion(id="b", text=record.rejected))
        return Ranking(messages=record.messages, completions=pair, rankings=(), meta=record.meta)
    if not isinstance(record, Ranking):
        raise DataError("there are no completions to rank")
    n = len(record.completions)
    if kind == "pair" and n != 2:
        raise DataError("a pair needs exactly two completions")
    if not 2 <= n <= len(LETTERS):
        raise DataError(f"ranking needs 2 to {len(LETTERS)} completions")
    return dataclasses.replace(record, rankings=())
