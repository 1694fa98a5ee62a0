"""Finishing a round, what a labeler sees of it then, and what a lead sees of it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tunesmith.label.access import GuardedRoute
from tunesmith.label.calibration import calibration_report
from tunesmith.label.calibration_result import calibration_result
from tunesmith.label.desk import desk_of, user_of
from tunesmith.label.pages import page
from tunesmith.label.work_routes import Number
from tunesmith.store.annotation.rounds import Round, finish, get_round
from tunesmith.store.annotation.tasks import AnnotationTask, get_annotation_task
from tunesmith.store.problems import NoSuchThing

router = APIRouter(route_class=GuardedRoute)


@router.post("/api/rounds/{round_id}/finish")
def post_finish(request: Request, round_id: Number) -> dict[str, bool]:
    """Finish a round: the answers stand from now on, and may be compared."""
    desk = desk_of(request)
    with desk.database.write() as connection:
        finish(connection, round_id, user_of(request), now=desk.clock())
    return {"ok": True}


@router.get("/work/{task_id}/rounds/{round_id}")
def get_result(request: Request, task_id: Number, round_id: Number) -> Response:
    """Return the labeler's own answers beside the lead's and the group's."""
    with desk_of(request).database.read() as connection:
        task = get_annotation_task(connection, task_id)
        one = of_task(get_round(connection, round_id), task)
        result = calibration_result(connection, task, one, user_of(request))
    return page("calibration_result.html", user_of(request), task=task, result=result)


@router.get("/tasks/{task_id}/rounds/{round_id}")
def get_report(request: Request, task_id: Number, round_id: Number) -> Response:
    """Return who finished a round and how far they agree."""
    with desk_of(request).database.read() as connection:
        task = get_annotation_task(connection, task_id)
        one = of_task(get_round(connection, round_id), task)
        report = calibration_report(connection, task, one)
    return page("calibration.html", user_of(request), task=task, report=report)


def of_task(one: Round, task: AnnotationTask) -> Round:
    """Return the round.

    Raises:
        NoSuchThing: it is another task's.
    """
    if one.annotation_task_id != task.id:
        raise NoSuchThing(f"the annotation task {task.name!r} has no round {one.id}")
    if task.kind == "screening":  # its answers are for leads alone, on its own page
        raise NoSuchThing("the answers of a screening are not shown")
    return one
