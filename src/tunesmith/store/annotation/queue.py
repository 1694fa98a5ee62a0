"""Who works on what: leases that expire, and exactly `overlap` labelers per item.

An item has `overlap` slots. A lease is a row that holds one slot for one labeler; two unique constraints (item with
slot, item with labeler) make an (n+1)-th label impossible whatever the code above does. A skipped item keeps a row
without a slot, so that the same labeler is not asked again; an expired lease keeps one too, so that a late label is
told from one by somebody who never held the item. The item's row is locked before its slots are looked at.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from tunesmith.store.annotation.candidates import may_work
from tunesmith.store.annotation.rounds import due_round, left_in
from tunesmith.store.annotation.tables import items, leases, round_items
from tunesmith.store.annotation.tasks import AnnotationTask
from tunesmith.store.annotation.users import User
from tunesmith.store.problems import NotNow

_RECLAIMED_AT_ONCE = 50


class Lease(NamedTuple):
    """One labeler's place on one item until `expires_at`."""

    item_id: int
    expires_at: float


def claim(connection: Connection, task: AnnotationTask, user: User, *, now: float) -> Lease | None:
    """Return the labeler's item: the one already held, else the next one; None where nothing waits for them.

    The items of a round come before all others. Then the order is: priority, then the oldest item, so that items are
    finished one after the other. About every `gold_every`-th item is a gold one, at places that the annotation task's
    seed decides for each labeler.
    """
    if not may_work(task, user):
        return None
    held = _held(connection, task, user, now)
    if held is not None:
        return renew(connection, task, held, user, now=now)
    if task.paused:
        return None
    _reclaim_expired(connection, task, now)
    due = due_round(connection, task.id, user)
    if due is not None:
        waiting = left_in(connection, due.id, user).item_id
        if waiting is not None:
            lock_item(connection, waiting)
            return take_slot(connection, task, waiting, user, now=now)
        return None  # they must finish the round first
    done = _n_taken(connection, task, user)
    gold_first = task.gold_every > 0 and _draw(task.seed, user.id, done) % task.gold_every == 0
    item_id = _next_item(connection, task, user, gold=True) if gold_first else None
    if item_id is None:
        item_id = _next_item(connection, task, user, gold=False)
    return None if item_id is None else take_slot(connection, task, item_id, user, now=now)


def renew(connection: Connection, task: AnnotationTask, item_id: int, user: User, *, now: float) -> Lease | None:
    """Move the expiry of a held lease; None where the labeler no longer holds the item."""
    expires_at = now + task.lease_seconds
    mine = (leases.c.item_id == item_id, leases.c.user_id == user.id, leases.c.state == "held")
    changed = connection.execute(update(leases).where(*mine).values(expires_at=expires_at)).rowcount
    return Lease(item_id, expires_at) if changed else None


def take_slot(connection: Connection, task: AnnotationTask, item_id: int, user: User, *, now: float) -> Lease:
    """Lease a free slot of the item, whose row the caller has locked.

    Raises:
        NotNow: every slot is taken.
    """
    overlap = connection.execute(select(items.c.overlap).where(items.c.id == item_id)).scalar_one()
    held = select(leases.c.slot).where(leases.c.item_id == item_id, leases.c.slot.is_not(None))
    taken = set(connection.execute(held).scalars())
    free = next((slot for slot in range(overlap) if slot not in taken), None)
    if free is None:
        raise NotNow("other labelers have finished this item", where=f"item {item_id}")
    expires_at = now + task.lease_seconds
    # Whoever let the item go, or gave it back, may still bring a label: late, or from elsewhere.
    mine = (leases.c.item_id == item_id, leases.c.user_id == user.id, leases.c.state.in_(("expired", "skipped")))
    connection.execute(delete(leases).where(*mine))
    values = {"item_id": item_id, "user_id": user.id, "slot": free, "state": "held", "expires_at": expires_at}
    connection.execute(insert(leases).values(values))
    connection.execute(update(items).where(items.c.id == item_id).values(free=items.c.free - 1))
    return Lease(item_id, expires_at)


def lock_item(connection: Connection, item_id: int) -> None:
    """Wait until no other transaction changes this item's leases or labels."""
    connection.execute(select(items.c.id).where(items.c.id == item_id).with_for_update())


def _held(connection: Connection, task: AnnotationTask, user: User, now: float) -> int | None:
    found = (
        select(leases.c.item_id)
        .join(items, items.c.id == leases.c.item_id)
        .where(items.c.annotation_task_id == task.id, leases.c.user_id == user.id)
        .where(leases.c.state == "held", leases.c.expires_at > now)
        .order_by(leases.c.id)
    )
    return connection.execute(found.limit(1)).scalar_one_or_none()


def _reclaim_expired(connection: Connection, task: AnnotationTask, now: float) -> None:
    expired = (leases.c.state == "held", leases.c.expires_at <= now)
    found = (
        select(items.c.id)
        .join(leases, leases.c.item_id == items.c.id)
        .where(items.c.annotation_task_id == task.id, *expired)
        .limit(_RECLAIMED_AT_ONCE)
        .with_for_update(skip_locked=True, of=items)
    )
    for item_id in set(connection.execute(found).scalars()):
        late = update(leases).where(leases.c.item_id == item_id, *expired)
        gone = connection.execute(late.values(state="expired", slot=None, expires_at=None)).rowcount
        connection.execute(update(items).where(items.c.id == item_id).values(free=items.c.free + gone))


def _n_taken(connection: Connection, task: AnnotationTask, user: User) -> int:
    found = (
        select(func.count())
        .select_from(leases)
        .join(items, items.c.id == leases.c.item_id)
        .where(items.c.annotation_task_id == task.id, leases.c.user_id == user.id)
    )
    return connection.execute(found).scalar_one()


def _next_item(connection: Connection, task: AnnotationTask, user: User, *, gold: bool) -> int | None:
    mine = (leases.c.item_id == items.c.id, leases.c.user_id == user.id, leases.c.state != "expired")
    met = select(leases.c.id).where(*mine).exists()
    found = (
        select(items.c.id)
        .where(items.c.annotation_task_id == task.id, items.c.is_gold == gold, items.c.free > 0, ~met)
        .where(items.c.id.not_in(select(round_items.c.item_id)))
        .where(or_(items.c.skill.is_(None), items.c.skill.in_(user.skills)))
        .order_by(items.c.priority.desc(), items.c.id)
        .limit(1)
    )
    at_once: int | None = connection.execute(found.with_for_update(skip_locked=True, of=items)).scalar_one_or_none()
    if at_once is not None:
        return at_once
    # What is left may only be locked by somebody who is answering: "nothing waits" would send the labeler home.
    return connection.execute(found.with_for_update(of=items)).scalar_one_or_none()


def _draw(seed: int, user_id: int, done: int) -> int:
    """Return a number that follows from the arguments alone: the same labeler meets the same mixture again."""
    return int.from_bytes(hashlib.sha256(f"gold:{seed}:{user_id}:{done}".encode()).digest()[:8], "big")
