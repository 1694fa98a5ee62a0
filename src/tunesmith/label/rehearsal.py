"""Simulated labelers at the real queue: they lease, rank and submit as people do, so that a whole round can be tried.

They know the built-in desk's gold structure, so the items must be its prompts. Their names end in `(simulated)`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from tunesmith.core.errors import DataError
from tunesmith.core.records import Prompt, Ranking
from tunesmith.desk import Labeler
from tunesmith.label.answers import contradictions
from tunesmith.label.flags import FLAG_NAMES
from tunesmith.label.work import order_for
from tunesmith.store.annotation import labels, users
from tunesmith.store.annotation.items import Item, get_item
from tunesmith.store.annotation.labels import Submission
from tunesmith.store.annotation.queue import claim
from tunesmith.store.annotation.rounds import due_round, finish
from tunesmith.store.annotation.tasks import AnnotationTask
from tunesmith.store.database import Database


def rehearse(
    database: Database, task: AnnotationTask, crew: Sequence[Labeler], *, seed: int, now: float
) -> dict[str, int]:
    """Let the labelers take turns until nothing waits for any of them; return how many labels each made.

    Raises:
        DataError: the task is not a ranking task, or an item is not one of the built-in desk's.
    """
    if task.kind not in ("rank", "pair"):
        raise DataError("simulated labelers only rank", where=f"annotation task {task.name!r}")
    made = dict.fromkeys((f"{labeler.id} (simulated)" for labeler in crew), 0)
    at_work = list(crew)
    while at_work:
        for labeler in list(at_work):
            if _label_next(database, task, labeler, seed=seed, now=now):
                made[f"{labeler.id} (simulated)"] += 1
            else:
                at_work.remove(labeler)
    return made


def _label_next(database: Database, task: AnnotationTask, labeler: Labeler, *, seed: int, now: float) -> bool:
    name = f"{labeler.id} (simulated)"
    with database.write() as connection:
        user = users.find_user(connection, name) or users.add_user(connection, name, role="labeler", now=now)
        lease = claim(connection, task, user, now=now)
        if lease is None and _finish_round(connection, task, user, now):
            lease = claim(connection, task, user, now=now)
        if lease is None:
            return False
        item = get_item(connection, lease.item_id)
        key = hashlib.sha256(f"rehearsal:{task.id}:{item.id}:{user.id}:{seed}".encode()).hexdigest()[:48]
        payload, shown = _say(labeler, item, seed), order_for(item, task, user)
        said = Submission(key=key, item_id=item.id, payload=payload, shown=shown)
        labels.submit(connection, user, said, now=now)
    return True


def _finish_round(connection: Connection, task: AnnotationTask, user: users.User, now: float) -> bool:
    """Finish the round that is answered; return whether there was one, so that there may be more to do."""
    due = due_round(connection, task.id, user)
    if due is None:
        return False
    finish(connection, due.id, user, now=now)
    return True


def _say(labeler: Labeler, item: Item, seed: int) -> dict[str, Any]:
    record = item.record
    assert isinstance(record, Ranking)
    label = labeler.rank(Prompt(messages=record.messages, meta=record.meta), record.completions, seed=seed)
    order = [list(group) for group in label.order]
    return {
        "order": order,
        "ratings": dict(label.ratings),
        "flags": {name: sorted(FLAG_NAMES & set(said)) for name, said in label.flags.items()},
        "none_acceptable": False,
        "contradictions": [list(pair) for pair in contradictions(order, label.ratings)],
    }
