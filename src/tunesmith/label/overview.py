"""The list of annotation tasks as one person sees it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from tunesmith.store.annotation.progress import Progress, my_labels, progress, waiting_for
from tunesmith.store.annotation.tasks import AnnotationTask, list_annotation_tasks
from tunesmith.store.annotation.users import User


class TaskLine(NamedTuple):
    """An annotation task, how far it is, what this person did and how many items they could still be given."""

    task: AnnotationTask
    progress: Progress
    mine: int
    waiting: int

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
            0 if task.paused else waiting_for(connection, task.id, user),
        )
        for task in list_annotation_tasks(connection)
    ]
