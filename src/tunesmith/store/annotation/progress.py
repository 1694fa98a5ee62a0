"""How far an annotation task is: labels wanted and there, skips, labels per hour. Gold items are not counted."""

from __future__ import annotations

from typing import NamedTuple

import orjson
from sqlalchemy import Connection, case, false, func, select

from tunesmith.store.annotation.candidates import may_work
from tunesmith.store.annotation.rounds import Left
from tunesmith.store.annotation.tables import items, label_events, leases, users
from tunesmith.store.annotation.tasks import AnnotationTask
from tunesmith.store.annotation.users import User

HOUR = 3600


class Progress(NamedTuple):
    """Items in all and with all their labels; labels wanted and there; leases held now."""

    items: int
    finished: int
    wanted: int
    labels: int
    held: int


class HourCount(NamedTuple):
    """Labels submitted in the hour that begins at `start` (seconds since 1970)."""

    start: int
    labels: int


class SkipCount(NamedTuple):
    """How often a labeler skipped for a reason."""

    labeler: str
    reason: str
    n: int


def progress(connection: Connection, annotation_task_id: int) -> Progress:
    """Return the counts of an annotation task."""
    mine = (items.c.annotation_task_id == annotation_task_id, items.c.is_gold == false())
    taken = func.coalesce(func.sum(items.c.overlap - items.c.free), 0)
    full = func.coalesce(func.sum(case((items.c.free == 0, 1), else_=0)), 0)
    wanted = func.coalesce(func.sum(items.c.overlap), 0)
    counts = connection.execute(select(func.count(), wanted, taken, full).where(*mine)).one()
    n_items, n_wanted, n_taken, n_full = map(int, counts)
    # A slot that is taken is labeled or held; few are held at any time.
    held = (
        select(leases.c.item_id, items.c.free)
        .join(items, items.c.id == leases.c.item_id)
        .where(*mine, leases.c.state == "held")
    )
    rows = connection.execute(held).all()
    unfinished = {row.item_id for row in rows if row.free == 0}
    return Progress(n_items, n_full - len(unfinished), n_wanted, n_taken - len(rows), len(rows))


def labels_per_hour(connection: Connection, annotation_task_id: int, *, since: float) -> list[HourCount]:
    """Return the hours in which labels came in, in order; hours without any are left out."""
    hour = func.floor(label_events.c.time / HOUR)
    found = (
        select(hour.label("hour"), func.count())
        .join(items, items.c.id == label_events.c.item_id)
        .where(items.c.annotation_task_id == annotation_task_id, label_events.c.kind == "label")
        .where(label_events.c.time >= since)
        .group_by("hour")
        .order_by("hour")
    )
    return [HourCount(int(start) * HOUR, count) for start, count in connection.execute(found)]


def my_labels(connection: Connection, annotation_task_id: int, user: User) -> int:
    """Return how many items this labeler has labeled, gold ones among them."""
    found = (
        select(func.count())
        .select_from(leases)
        .join(items, items.c.id == leases.c.item_id)
        .where(items.c.annotation_task_id == annotation_task_id, leases.c.user_id == user.id, leases.c.state == "done")
    )
    return connection.execute(found).scalar_one()


def waiting_for(connection: Connection, task: AnnotationTask, user: User, left: Left | None) -> int:
    """Return how many items this labeler could still be given, gold ones left out.

    A round that they have not finished counts as what is `left` of it, one at least.
    """
    if not may_work(task, user):
        return 0
    annotation_task_id = task.id
    of_round = max(1, left.of - left.done) if left else 0
    skill = items.c.skill.is_(None) | items.c.skill.in_(user.skills)
    mine = (items.c.annotation_task_id == annotation_task_id, items.c.is_gold == false(), items.c.free > 0, skill)
    open_to_all = connection.execute(select(func.count()).select_from(items).where(*mine)).scalar_one()
    met = select(leases.c.item_id).where(leases.c.user_id == user.id, leases.c.state != "expired")
    # `+ 0`: not by the task's index, which holds every item, but by the numbers of the few that this labeler has met.
    same_task = items.c.annotation_task_id + 0 == annotation_task_id
    met_too = select(func.count()).select_from(items).where(same_task, *mine[1:], items.c.id.in_(met))
    return of_round + open_to_all - connection.execute(met_too).scalar_one()


def skips(connection: Connection, annotation_task_id: int) -> list[SkipCount]:
    """Return who skipped how often and why, the most frequent first; skips that were taken back are left out."""
    undone = label_events.alias("undone")
    count = func.count().label("count")
    found = (
        select(users.c.name, label_events.c.payload, count)
        .join(users, users.c.id == label_events.c.user_id)
        .join(items, items.c.id == label_events.c.item_id)
        .where(items.c.annotation_task_id == annotation_task_id, label_events.c.kind == "skip")
        .where(~select(undone.c.id).where(undone.c.refers_to == label_events.c.id).exists())
        .group_by(users.c.name, label_events.c.payload)
        .order_by(count.desc(), users.c.name)
    )
    return [SkipCount(name, orjson.loads(payload)["reason"], n) for name, payload, n in connection.execute(found)]
