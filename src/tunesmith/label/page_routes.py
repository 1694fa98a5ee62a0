"""The pages. Text that people or models wrote reaches a page only escaped (Jinja) or as JSON (the work page)."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from tunesmith.label.access import GuardedRoute
from tunesmith.label.desk import desk_of, user_of
from tunesmith.label.flags import FLAGS
from tunesmith.label.overview import overview
from tunesmith.label.pages import HERE, page
from tunesmith.label.review import waiting_for_review
from tunesmith.label.task_page import task_page
from tunesmith.label.work_routes import Number
from tunesmith.store.annotation.audit import newest_actions
from tunesmith.store.annotation.sign_in import find_invite
from tunesmith.store.annotation.tasks import AnnotationTask, get_annotation_task, list_annotation_tasks
from tunesmith.store.annotation.users import list_users
from tunesmith.web.assets import asset_response, assets

router = APIRouter(route_class=GuardedRoute)
_ASSETS = assets(HERE / "static")
_FLAGS = [flag._asdict() for flag in FLAGS]
SHOWN_DISPUTED = 200
SHOWN_ACTIONS = 500


@router.get("/healthz")
def get_health(request: Request) -> dict[str, bool]:
    """Say that the desk is up and reaches its database."""
    with desk_of(request).database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    return {"ok": True}


@router.get("/static/{name}")
def get_static(name: str) -> Response:
    """Return a style sheet, a script or the icon."""
    return asset_response(_ASSETS, name)


@router.get("/login")
def get_login() -> Response:
    """Return the page to sign in on."""
    return page("login.html", None)


@router.get("/join/{token}")
def get_join(request: Request, token: str) -> Response:
    """Return the page on which an invited person chooses name and password."""
    desk = desk_of(request)
    with desk.database.read() as connection:
        invite = find_invite(connection, token, now=desk.clock())
    return page("join.html", None, status=200 if invite else 404, invite=invite, token=token)


@router.get("/")
def get_tasks(request: Request) -> Response:
    """Return the list of annotation tasks."""
    user = user_of(request)
    with desk_of(request).database.read() as connection:
        return page("tasks.html", user, tasks=overview(connection, user))


@router.get("/account")
def get_account(request: Request) -> Response:
    """Return the page to change one's password and to sign out."""
    return page("account.html", user_of(request))


@router.get("/work/{task_id}")
def get_work(request: Request, task_id: Number) -> Response:
    """Return the page that labelers work on; its script asks for the items."""
    with desk_of(request).database.read() as connection:
        task = get_annotation_task(connection, task_id)
    return page("work.html", user_of(request), task=task, flags=_FLAGS, review_item=None)


@router.get("/tasks/{task_id}")
def get_task(request: Request, task_id: Number) -> Response:
    """Return progress, agreement and settings of an annotation task."""
    desk = desk_of(request)
    with desk.database.read() as connection:
        task = get_annotation_task(connection, task_id)
        return page("task.html", user_of(request), **task_page(connection, task, desk.agreement, now=desk.clock()))


@router.get("/tasks/{task_id}/review")
def get_review(request: Request, task_id: Number) -> Response:
    """Return the items that wait for a reviewer."""
    with desk_of(request).database.read() as connection:
        task = get_annotation_task(connection, task_id)
        waiting = waiting_for_review(connection, task)
    shown = waiting[:SHOWN_DISPUTED]
    return page("review.html", user_of(request), task=task, waiting=shown, n_waiting=len(waiting))


@router.get("/tasks/{task_id}/review/{item_id}")
def get_review_item(request: Request, task_id: Number, item_id: Number) -> Response:
    """Return the page on which a reviewer decides an item."""
    with desk_of(request).database.read() as connection:
        task = get_annotation_task(connection, task_id)
    return page("work.html", user_of(request), task=task, flags=_FLAGS, review_item=item_id)


@router.get("/people")
def get_people(request: Request) -> Response:
    """Return everybody, and the form that makes invite links."""
    with desk_of(request).database.read() as connection:
        return page("people.html", user_of(request), people=list_users(connection), screenings=_screenings(connection))


@router.get("/audit")
def get_audit(request: Request) -> Response:
    """Return the newest changes."""
    with desk_of(request).database.read() as connection:
        entries = newest_actions(connection, SHOWN_ACTIONS + 1)
    return page("audit.html", user_of(request), entries=entries[:SHOWN_ACTIONS], more=len(entries) > SHOWN_ACTIONS)


def _screenings(connection: Connection) -> list[AnnotationTask]:
    return [task for task in list_annotation_tasks(connection) if task.kind == "screening"]
