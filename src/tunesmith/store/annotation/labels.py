"""What labelers said, as events that are only ever appended.

A label counts until an `undo` event refers to it. Each event carries a key that the client made: the same key again is
the same event, acknowledged again and stored once, so a client may repeat a request until it hears an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import orjson
from sqlalchemy import Connection, Select, delete, func, insert, select, update

from tunesmith.store.annotation.items import get_item
from tunesmith.store.annotation.queue import lock_item, renew, take_slot
from tunesmith.store.annotation.rounds import answers_stand
from tunesmith.store.annotation.tables import guidelines, items, label_events, leases, round_items, users
from tunesmith.store.annotation.tasks import current_guideline, get_annotation_task
from tunesmith.store.annotation.users import User
from tunesmith.store.problems import NoSuchThing, NotNow

EventKind = Literal["label", "skip", "undo", "decision"]
UNDO_SECONDS = 120
NOT_ACCEPTABLE = "not_acceptable"  # the flag, in records, of a completion that a labeler called so


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a labeler sends: `key` is new for each intent and kept for every retry of it.

    `shown` names the completions in the order in which this labeler saw them; `seconds` is the time spent on the item.
    """

    key: str
    item_id: int
    payload: Mapping[str, Any]
    shown: Sequence[str] = ()
    seconds: float | None = None


class LabelEvent(NamedTuple):
    """One stored event. A tuple, because exports make a million of them."""

    id: int
    key: str
    kind: EventKind
    item_id: int
    labeler: str
    payload: Mapping[str, Any]
    shown: tuple[str, ...]
    seconds: float | None
    guideline_version: int | None
    time: float


def submit(connection: Connection, user: User, said: Submission, *, now: float) -> LabelEvent:
    """Store a label and return it; a lease that ran out is taken again where a slot is still free.

    Raises:
        NotNow: all slots went to others, the labeler has labeled, skipped or never held it, or the key
            means something else.
        NoSuchThing: there is no such item.
    """
    lock_item(connection, said.item_id)
    known = _known(connection, user, said.key, "label", said.item_id)
    if known is not None:
        return known
    task = get_annotation_task(connection, get_item(connection, said.item_id).annotation_task_id)
    state = _state(connection, said.item_id, user)
    if state in ("done", "skipped"):
        raise NotNow(f"you have {'labeled' if state == 'done' else 'skipped'} this item", where=f"item {said.item_id}")
    if state is None:
        raise NotNow("you were not given this item", where=f"item {said.item_id}")
    if state == "expired":
        take_slot(connection, task, said.item_id, user, now=now)
    mine = (leases.c.item_id == said.item_id, leases.c.user_id == user.id)
    connection.execute(update(leases).where(*mine).values(state="done", expires_at=None))
    guideline = current_guideline(connection, task.id)
    return _append(connection, "label", user, said, now, guideline_id=guideline.id if guideline else None)


def skip(connection: Connection, user: User, key: str, item_id: int, reason: str, *, now: float) -> LabelEvent:
    """Give the item back with a reason; this labeler is not asked again.

    Raises:
        NotNow: the labeler does not hold the item, or the key means something else.
    """
    lock_item(connection, item_id)
    known = _known(connection, user, key, "skip", item_id)
    if known is not None:
        return known
    if _state(connection, item_id, user) != "held":
        raise NotNow("you do not hold this item", where=f"item {item_id}")
    mine = (leases.c.item_id == item_id, leases.c.user_id == user.id)
    connection.execute(update(leases).where(*mine).values(state="skipped", slot=None, expires_at=None))
    connection.execute(update(items).where(items.c.id == item_id).values(free=items.c.free + 1))
    return _append(connection, "skip", user, Submission(key=key, item_id=item_id, payload={"reason": reason}), now)


def undo(connection: Connection, user: User, key: str, event_id: int, *, now: float) -> LabelEvent:
    """Take back one's own label or skip within `UNDO_SECONDS`; the labeler holds the item again.

    Raises:
        NotNow: too late, already taken back, decided by a reviewer, or (after a skip) all slots went to others.
        NoSuchThing: this labeler has no such event.
    """
    row = connection.execute(
        select(label_events).where(
            label_events.c.id == event_id,
            label_events.c.user_id == user.id,
            label_events.c.kind.in_(("label", "skip")),
        )
    ).one_or_none()
    if row is None:
        raise NoSuchThing(f"you have no label {event_id}")
    lock_item(connection, row.item_id)
    known = _known(connection, user, key, "undo", row.item_id)
    if known is not None:
        return known
    _check_undo(connection, row, now)
    task = get_annotation_task(connection, get_item(connection, row.item_id).annotation_task_id)
    mine = (leases.c.item_id == row.item_id, leases.c.user_id == user.id)
    if row.kind == "skip":
        connection.execute(delete(leases).where(*mine))
        take_slot(connection, task, row.item_id, user, now=now)
    connection.execute(update(leases).where(*mine).values(state="held"))
    renew(connection, task, row.item_id, user, now=now)
    said = Submission(key=key, item_id=row.item_id, payload={})
    return _append(connection, "undo", user, said, now, refers_to=event_id)


def decide(connection: Connection, user: User, said: Submission, *, now: float) -> LabelEvent:
    """Store a reviewer's decision on an item; the newest decision stands for the item's labels.

    Raises:
        NotNow: nobody has labeled the item, or the key means something else.
    """
    lock_item(connection, said.item_id)
    known = _known(connection, user, said.key, "decision", said.item_id)
    if known is not None:
        return known
    if not labels_of(connection, said.item_id):
        raise NotNow("nobody has labeled this item yet", where=f"item {said.item_id}")
    return _append(connection, "decision", user, said, now)


def newest_event(connection: Connection) -> int:
    """Return the number of the newest event of all annotation tasks, 0 where there is none."""
    return connection.execute(select(func.max(label_events.c.id))).scalar() or 0


def find_event(connection: Connection, key: str) -> LabelEvent | None:
    """Return the event that was stored under this key, or None."""
    row = connection.execute(_events().where(label_events.c.key == key)).one_or_none()
    return None if row is None else event_of(row)


def labels_of(connection: Connection, item_id: int) -> list[LabelEvent]:
    """Return the labels of an item that count, the oldest first."""
    found = standing_labels().where(label_events.c.item_id == item_id).order_by(label_events.c.id)
    return [event_of(row) for row in connection.execute(found)]


def decision_on(connection: Connection, item_id: int) -> LabelEvent | None:
    """Return the newest decision on an item, or None."""
    found = _events().where(label_events.c.item_id == item_id, label_events.c.kind == "decision")
    row = connection.execute(found.order_by(label_events.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else event_of(row)


def label_stream(connection: Connection, annotation_task_id: int) -> Iterator[LabelEvent]:
    """Yield the labels that count and every decision of an annotation task, by item, in constant memory.

    Items of rounds are left out.
    """
    found = (
        _events()
        .join(items, items.c.id == label_events.c.item_id)
        .where(items.c.annotation_task_id == annotation_task_id)
        .where(items.c.id.not_in(select(round_items.c.item_id)))
        .where((label_events.c.kind == "decision") | ((label_events.c.kind == "label") & ~_taken_back()))
        .order_by(label_events.c.item_id, label_events.c.id)
    )
    for row in connection.execution_options(stream_results=True, yield_per=500).execute(found):
        yield event_of(row)


def standing_labels() -> Select[Any]:
    """Return the query for the labels that were not taken back."""
    return _events().where(label_events.c.kind == "label", ~_taken_back())


def event_of(row: Any) -> LabelEvent:
    """Return the event of a row of `standing_labels`."""
    # By place, ten times as fast as by name: an export does this a million times.
    number, key, kind, item_id, _user, _refers_to, _guideline, payload, shown, seconds, time, labeler, version = row
    return LabelEvent(
        id=number,
        key=key,
        kind=kind,
        item_id=item_id,
        labeler=labeler,
        payload=orjson.loads(payload),
        shown=_shown(shown),
        seconds=seconds,
        guideline_version=version,
        time=time,
    )


@lru_cache(maxsize=4096)
def _shown(stored: str) -> tuple[str, ...]:
    """Return the names in the order in which they were shown; few such lists are different."""
    return tuple(orjson.loads(stored))


def _events() -> Select[Any]:
    return (
        select(label_events, users.c.name.label("labeler"), guidelines.c.version.label("guideline_version"))
        .join(users, users.c.id == label_events.c.user_id)
        .outerjoin(guidelines, guidelines.c.id == label_events.c.guideline_id)
    )


def _taken_back() -> Any:
    later = label_events.alias("later")
    return select(later.c.id).where(later.c.refers_to == label_events.c.id).exists()


def _known(connection: Connection, user: User, key: str, kind: EventKind, item_id: int) -> LabelEvent | None:
    row = connection.execute(_events().where(label_events.c.key == key)).one_or_none()
    if row is None:
        return None
    if (row.user_id, row.kind, row.item_id) != (user.id, kind, item_id):
        raise NotNow("this key was used for something else", where="key", remedy="make a new one")
    return event_of(row)


def _state(connection: Connection, item_id: int, user: User) -> str | None:
    mine = (leases.c.item_id == item_id, leases.c.user_id == user.id)
    return connection.execute(select(leases.c.state).where(*mine)).scalar_one_or_none()


def _check_undo(connection: Connection, row: Any, now: float) -> None:
    if now - row.time > UNDO_SECONDS:
        raise NotNow(f"a label can be taken back for {UNDO_SECONDS} seconds", where=f"label {row.id}")
    later = select(label_events.c.id).where(label_events.c.refers_to == row.id)
    if connection.execute(later).first() is not None:
        raise NotNow("this was taken back already", where=f"label {row.id}")
    if answers_stand(connection, row.item_id, row.user_id):
        raise NotNow("you have finished the round that this belongs to", where=f"label {row.id}")
    if decision_on(connection, row.item_id) is not None:
        raise NotNow("a reviewer has decided this item", where=f"label {row.id}")


def _append(
    connection: Connection,
    kind: EventKind,
    user: User,
    said: Submission,
    now: float,
    *,
    refers_to: int | None = None,
    guideline_id: int | None = None,
) -> LabelEvent:
    values = {
        "key": said.key,
        "kind": kind,
        "item_id": said.item_id,
        "user_id": user.id,
        "refers_to": refers_to,
        "guideline_id": guideline_id,
        "payload": orjson.dumps(said.payload, option=orjson.OPT_SORT_KEYS).decode(),
        "shown": orjson.dumps(list(said.shown)).decode(),
        "seconds": said.seconds,
        "time": now,
    }
    new_id = connection.execute(insert(label_events).values(values).returning(label_events.c.id)).scalar_one()
    return event_of(connection.execute(_events().where(label_events.c.id == new_id)).one())
