"""What a lead's pages call: review, settings, guideline, invites, locking people out; each change is audited."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

from tunesmith.label.access import ADMIN, GuardedRoute
from tunesmith.label.answers import TEXT_LIMIT
from tunesmith.label.desk import Desk, desk_of, user_of
from tunesmith.label.passwords import INVITE_SECONDS
from tunesmith.label.review import review_view
from tunesmith.label.work_routes import Label, Number, acknowledged, said_of
from tunesmith.store.annotation import labels, sign_in, users
from tunesmith.store.annotation.audit import record_action
from tunesmith.store.annotation.items import get_item
from tunesmith.store.annotation.tasks import (
    MOST_OVERLAP,
    get_annotation_task,
    publish_guideline,
    set_overlap,
    set_paused,
)
from tunesmith.store.annotation.users import Role
from tunesmith.web.body import Body
from tunesmith.web.refusal import Refusal

router = APIRouter(route_class=GuardedRoute)


class Settings(Body):
    """What of an annotation task is to change."""

    overlap: int | None = Field(None, ge=1, le=MOST_OVERLAP)
    paused: bool | None = None


class GuidelineText(Body):
    """A new version of the guideline."""

    text: str = Field(min_length=1, max_length=TEXT_LIMIT)


class NewInvite(Body):
    """Whom a link is for: a candidate where a screening is named."""

    role: Role
    skills: list[Annotated[str, Field(min_length=1, max_length=40)]] = Field(default_factory=list, max_length=20)
    screening: int | None = Field(None, ge=1, le=2**31 - 1)


class LockOut(Body):
    """Whether somebody is locked out."""

    disabled: bool


@router.post("/api/items/{item_id}/review")
def post_review(request: Request, item_id: Number) -> dict[str, Any]:
    """Return an item with everybody's labels."""
    with desk_of(request).database.read() as connection:
        task = get_annotation_task(connection, get_item(connection, item_id).annotation_task_id)
        return review_view(connection, task, item_id, user_of(request))


@router.post("/api/items/{item_id}/decision")
def post_decision(request: Request, item_id: Number, body: Label) -> dict[str, Any]:
    """Store a reviewer's decision."""
    desk, user = desk_of(request), user_of(request)
    with desk.database.write() as connection:
        event = labels.decide(connection, user, said_of(connection, user, item_id, body), now=desk.clock())
    return acknowledged(event)


@router.post("/api/tasks/{task_id}/settings")
def post_settings(request: Request, task_id: Number, body: Settings) -> dict[str, Any]:
    """Raise or lower the overlap, pause or go on."""
    desk = desk_of(request)
    with desk.database.write() as connection:
        task = get_annotation_task(connection, task_id)
        if body.overlap is not None:
            set_overlap(connection, task_id, body.overlap)
        if body.paused is not None:
            set_paused(connection, task_id, body.paused)
        detail = {"task": task.name, **body.model_dump(exclude_none=True)}
        record_action(connection, "task changed", detail, user_id=user_of(request).id, now=desk.clock())
    return {"ok": True}


@router.post("/api/tasks/{task_id}/guideline")
def post_guideline(request: Request, task_id: Number, body: GuidelineText) -> dict[str, Any]:
    """Publish a version of the guideline; labelers must confirm it before they go on."""
    desk, user = desk_of(request), user_of(request)
    with desk.database.write() as connection:
        task = get_annotation_task(connection, task_id)
        made = publish_guideline(connection, task_id, body.text, author_id=user.id, now=desk.clock())
        detail = {"task": task.name, "version": made.version}
        record_action(connection, "guideline published", detail, user_id=user.id, now=desk.clock())
    return {"version": made.version}


@router.post("/api/invites")
def post_invite(request: Request, body: NewInvite) -> dict[str, Any]:
    """Make a link by which one person can join; only an admin invites leads and admins."""
    desk, user = desk_of(request), user_of(request)
    _only_admin_manages(user.role, body.role)
    if body.screening is not None:
        _check_screening(desk, body)
    path = new_invite(desk, body.role, body.skills, user_id=user.id, screening_id=body.screening)
    return {"path": f"/join/{path}"}


@router.post("/api/users/{user_id}/disabled")
def post_disabled(request: Request, user_id: Number, body: LockOut) -> dict[str, Any]:
    """Lock somebody out, or let them in again; nobody locks themselves out."""
    desk, user = desk_of(request), user_of(request)
    with desk.database.write() as connection:
        other = users.get_user(connection, user_id)
        _only_admin_manages(user.role, other.role)
        if other.id == user.id:
            raise Refusal(409, "you cannot lock yourself out")
        users.set_disabled(connection, other.id, body.disabled)
        if body.disabled:
            sign_in.end_sessions(connection, other.id)
        action = "locked out" if body.disabled else "let in again"
        record_action(connection, action, {"user": other.name}, user_id=user.id, now=desk.clock())
    return {"ok": True}


def new_invite(
    desk: Desk, role: Role, skills: list[str], *, user_id: int | None, screening_id: int | None = None
) -> str:
    """Store an invite and return its token."""
    now = desk.clock()
    with desk.database.write() as connection:
        token = sign_in.add_invite(
            connection,
            role=role,
            skills=skills,
            created_by=user_id,
            expires_at=now + INVITE_SECONDS,
            screening_id=screening_id,
        )
        detail = {"role": role, "skills": skills, **({} if screening_id is None else {"screening": screening_id})}
        record_action(connection, "invite made", detail, user_id=user_id, now=now)
    return token


def _check_screening(desk: Desk, body: NewInvite) -> None:
    with desk.database.read() as connection:
        task = get_annotation_task(connection, body.screening or 0)
    if task.kind != "screening" or body.role != "labeler":
        raise Refusal(422, "only labelers are screened, and only by a screening")


def _only_admin_manages(mine: Role, theirs: Role) -> None:
    if theirs in ("admin", "lead") and mine not in ADMIN:
        raise Refusal(403, "only an admin manages leads and admins")
