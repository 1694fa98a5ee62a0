"""What a lead does with the candidates of a screening: look, grade demonstrations, approve or decline."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from tunesmith.label.access import GuardedRoute
from tunesmith.label.answers import NOTE_LIMIT
from tunesmith.label.desk import desk_of, user_of
from tunesmith.label.pages import page
from tunesmith.label.screening import CUTOFFS, screening_report
from tunesmith.label.work_routes import Number
from tunesmith.store.annotation.audit import record_action
from tunesmith.store.annotation.candidates import decide, grade
from tunesmith.store.annotation.tasks import get_annotation_task
from tunesmith.store.annotation.users import get_user
from tunesmith.store.problems import NoSuchThing
from tunesmith.web.body import Body

router = APIRouter(route_class=GuardedRoute)


class Grade(Body):
    """How good a demonstration is."""

    grade: int = Field(ge=1, le=7)


class Decision(Body):
    """Whether a candidate may work, and why."""

    approved: bool
    note: str = Field("", max_length=NOTE_LIMIT)


@router.get("/tasks/{task_id}/screening")
def get_screening(request: Request, task_id: Number) -> Response:
    """Return the candidates with their scores, without names until somebody has decided."""
    with desk_of(request).database.read() as connection:
        task = get_annotation_task(connection, task_id)
        if task.kind != "screening":
            raise NoSuchThing(f"the annotation task {task.name!r} is no screening")
        report = screening_report(connection, task)
    return page("screening.html", user_of(request), task=task, report=report, cutoffs=CUTOFFS)


@router.post("/api/labels/{event_id}/grade")
def post_grade(request: Request, event_id: Number, body: Grade) -> dict[str, bool]:
    """Grade a demonstration."""
    desk = desk_of(request)
    with desk.database.write() as connection:
        grade(connection, event_id, user_of(request), body.grade, now=desk.clock())
    return {"ok": True}


@router.post("/api/tasks/{task_id}/candidates/{user_id}")
def post_decision(request: Request, task_id: Number, user_id: Number, body: Decision) -> dict[str, bool]:
    """Approve a candidate, who may work from now on, or decline."""
    desk, user = desk_of(request), user_of(request)
    with desk.database.write() as connection:
        task, candidate = get_annotation_task(connection, task_id), get_user(connection, user_id)
        decide(connection, task, candidate, approved=body.approved, note=body.note, decided_by=user, now=desk.clock())
        action = "candidate approved" if body.approved else "candidate declined"
        detail = {"task": task.name, "user": candidate.name, "note": body.note}
        record_action(connection, action, detail, user_id=user.id, now=desk.clock())
    return {"ok": True}
