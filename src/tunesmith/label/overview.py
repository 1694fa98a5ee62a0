"""The list of annotation tasks as one person sees it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from tunesmith.store.annotation.candidates import may_work
from tunesmith.store.annotation.progress import Progress, my_labels, progress, waiting_for
from tunesmith.store.annotation.rounds import Left, Round, due_round, finishes, left_in, list_rounds
from tunesmith.store.annotation.tasks import AnnotationTask, list_annotation_tasks
from tunesmith.store.annotation.users import User


class TaskLine(NamedTuple):
    """An annotation task, how far it is, what this person did and how many items they could still be given.

    `round` is the newest round that they finished.
    """

    task: AnnotationTask
    progress: Progress
    mine: int
    waiting: int
    round: Round | None

    @property
    def share(self) -> float:
        """Labels there, as a share of the labels wanted."""
        return self.progress.labels / self.progress.wanted if self.progress.wanted else 0.0


def overview(connection: Connection, user: User) -> list[TaskLine]:
    """Return every annotation task, the oldest first."""
    return [
        TaskLine(
            task,
            progress(connection, task.id),
            my_labels(connection, task.id, user),
            0 if task.paused else waiting_for(connection, task, user, _left(connection, task, user)),
            _finished(connection, task, user),
        )
        for task in list_annotation_tasks(connection)
        if user.role != "labeler" or may_work(task, user)
    ]


def _left(connection: Connection, task: AnnotationTask, user: User) -> Left | None:
    due = due_round(connection, task.id, user)
    return None if due is None else left_in(connection, due.id, user)


def _finished(connection: Connection, task: AnnotationTask, user: User) -> Round | None:
    if task.kind == "screening":  # candidates are not shown the known answers
        return None
    mine = (one for one in list_rounds(connection, task.id) if user.id in finishes(connection, one.id))
    return next(mine, None)
