"""A desk in a database: labelers by name, one annotation task, and a clock that only the test moves."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from tunesmith.core.records import Completion, Message, Ranking
from tunesmith.store.annotation import items, labels, queue, tasks, users
from tunesmith.store.annotation.tables import items as item_table
from tunesmith.store.annotation.tables import leases
from tunesmith.store.database import Database

START = 1_800_000_000.0


def ranking(n: int) -> Ranking:
    completions = tuple(Completion(id=name, text=f"{name} {n}", model=f"model-{name}") for name in "abc")
    return Ranking(messages=(Message("user", f"Question {n}?"),), completions=completions, rankings=())


@dataclass
class Scene:
    database: Database
    now: float = START
    keys: Any = field(default_factory=lambda: (f"key-{n}" for n in itertools.count()))

    def user(self, name: str, *, role: users.Role = "labeler", skills: Sequence[str] = ()) -> users.User:
        with self.database.write() as connection:
            return users.find_user(connection, name) or users.add_user(
                connection, name, role=role, now=self.now, skills=skills
            )

    def task(self, n_items: int = 0, *, overlap: int = 2, gold_every: int = 0, **more: Any) -> tasks.AnnotationTask:
        with self.database.write() as connection:
            task = tasks.add_annotation_task(
                connection, "helpfulness", kind="rank", overlap=overlap, gold_every=gold_every, now=self.now, **more
            )
        self.add(task, *(items.NewItem(record=ranking(n)) for n in range(n_items)))
        return task

    def task_again(self) -> tasks.AnnotationTask:
        with self.database.read() as connection:
            return tasks.get_annotation_task(connection, 1)

    def add(self, task: tasks.AnnotationTask, *new: items.NewItem) -> items.Added:
        with self.database.write() as connection:
            return items.add_items(connection, task, new)

    def claim(self, task: tasks.AnnotationTask, name: str) -> int | None:
        with self.database.write() as connection:
            fresh = tasks.get_annotation_task(connection, task.id)
            lease = queue.claim(connection, fresh, self.user_in(connection, name), now=self.now)
        return None if lease is None else lease.item_id

    def submit(self, name: str, item_id: int, *, key: str | None = None, **payload: Any) -> labels.LabelEvent:
        with self.database.write() as connection:
            said = labels.Submission(
                key=key or next(self.keys), item_id=item_id, payload=payload, shown=("b", "a", "c"), seconds=4.5
            )
            return labels.submit(connection, self.user_in(connection, name), said, now=self.now)

    def skip(self, name: str, item_id: int, reason: str = "unclear", *, key: str | None = None) -> labels.LabelEvent:
        with self.database.write() as connection:
            user = self.user_in(connection, name)
            return labels.skip(connection, user, key or next(self.keys), item_id, reason, now=self.now)

    def undo(self, name: str, event_id: int, *, key: str | None = None) -> labels.LabelEvent:
        with self.database.write() as connection:
            user = self.user_in(connection, name)
            return labels.undo(connection, user, key or next(self.keys), event_id, now=self.now)

    def labels(self, item_id: int) -> list[labels.LabelEvent]:
        with self.database.read() as connection:
            return labels.labels_of(connection, item_id)

    def user_in(self, connection: Any, name: str) -> users.User:
        found = users.find_user(connection, name)
        return found or users.add_user(connection, name, role="labeler", now=self.now)

    def check_books(self) -> None:
        """`free` is what it says: the overlap minus the slots that are taken."""
        taken = select(func.count(leases.c.slot)).where(leases.c.item_id == item_table.c.id).scalar_subquery()
        with self.database.read() as connection:
            wrong = select(item_table.c.id).where(item_table.c.free != item_table.c.overlap - taken)
            assert connection.execute(wrong).all() == []
