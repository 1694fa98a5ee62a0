"""What a labeler's page calls: the next item, submit, skip, undo. Each answer is sent after the commit."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import Field
from sqlalchemy import Connection

from tunesmith.label.access import GuardedRoute
from tunesmith.label.answers import NOTE_LIMIT, read_answer
from tunesmith.label.desk import desk_of, user_of
from tunesmith.label.work import answer_kind, next_item, order_for, topics_of
from tunesmith.store.annotation import labels
from tunesmith.store.annotation.items import get_item
from tunesmith.store.annotation.labels import LabelEvent, Submission
from tunesmith.store.annotation.queue import renew
from tunesmith.store.annotation.rounds import measure_of
from tunesmith.store.annotation.tasks import confirm_read, get_annotation_task
from tunesmith.store.annotation.users import User
from tunesmith.web.body import Body

router = APIRouter(route_class=GuardedRoute)
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Key = Annotated[str, Field(pattern="^[0-9a-zA-Z-]{16,64}$")]


class Label(Body):
    """An answer. `seconds` is the time that the page was looked at; `key` is the same for every retry."""

    key: Key
    answer: dict[str, Any]
    seconds: float = Field(ge=0, le=86_400, allow_inf_nan=False)


class Skip(Body):
    """An item given back."""

    key: Key
    reason: str = Field(min_length=1, max_length=NOTE_LIMIT)


class Undo(Body):
    """A label taken back."""

    key: Key


def said_of(connection: Connection, user: User, item_id: int, body: Label) -> Submission:
    """Return what somebody says of an item, checked against what they were shown.

    Raises:
        DataError: the answer does not fit the item.
        NoSuchThing: there is no such item.
    """
    item = get_item(connection, item_id)
    task = get_annotation_task(connection, item.annotation_task_id)
    kind = answer_kind(task, measure_of(connection, item.id))
    shown = topics_of(item) if kind == "assess" else order_for(item, task, user)
    payload = read_answer(kind, body.answer, shown)
    return Submission(key=body.key, item_id=item_id, payload=payload, shown=shown, seconds=body.seconds)


@router.post("/api/tasks/{task_id}/next")
def post_next(request: Request, task_id: Number) -> dict[str, Any]:
    """Lease the next item, or return the one that is held."""
    desk = desk_of(request)
    with desk.database.write() as connection:
        task = get_annotation_task(connection, task_id)
        return next_item(connection, task, user_of(request), now=desk.clock())


@router.post("/api/items/{item_id}/renew")
def post_renew(request: Request, item_id: Number) -> dict[str, Any]:
    """Keep the item while it is worked on."""
    desk = desk_of(request)
    with desk.database.write() as connection:
        task = get_annotation_task(connection, get_item(connection, item_id).annotation_task_id)
        lease = renew(connection, task, item_id, user_of(request), now=desk.clock())
    return {"held": lease is not None}


@router.post("/api/items/{item_id}/label")
def post_label(request: Request, item_id: Number, body: Label) -> dict[str, Any]:
    """Store a label."""
    desk, user = desk_of(request), user_of(request)
    with desk.database.write() as connection:
        event = labels.submit(connection, user, said_of(connection, user, item_id, body), now=desk.clock())
    return acknowledged(event)


@router.post("/api/items/{item_id}/skip")
def post_skip(request: Request, item_id: Number, body: Skip) -> dict[str, Any]:
    """Give an item back."""
    desk = desk_of(request)
    with desk.database.write() as connection:
        event = labels.skip(connection, user_of(request), body.key, item_id, body.reason, now=desk.clock())
    return acknowledged(event)


@router.post("/api/labels/{event_id}/undo")
def post_undo(request: Request, event_id: Number, body: Undo) -> dict[str, Any]:
    """Take one's own label or skip back."""
    desk = desk_of(request)
    with desk.database.write() as connection:
        event = labels.undo(connection, user_of(request), body.key, event_id, now=desk.clock())
    return acknowledged(event)


@router.post("/api/guidelines/{guideline_id}/read")
def post_read(request: Request, guideline_id: Number) -> dict[str, Any]:
    """Confirm a version of the guideline."""
    desk = desk_of(request)
    with desk.database.write() as connection:
        confirm_read(connection, guideline_id, user_of(request).id, now=desk.clock())
    return {"ok": True}


def acknowledged(event: LabelEvent) -> dict[str, Any]:
    """Return what the client hears once an event is on disk."""
    return {"event": event.id, "key": event.key, "item": event.item_id, "time": event.time}
