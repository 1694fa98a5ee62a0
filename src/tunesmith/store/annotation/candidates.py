"""Candidates of a screening: what leads grade of theirs, and what leads decide. Both logs are only added to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, insert, or_, select, update

from tunesmith.store.annotation.tables import grades, label_events, round_items, rounds, users, verdicts
from tunesmith.store.annotation.tasks import AnnotationTask
from tunesmith.store.annotation.users import User, user_of
from tunesmith.store.problems import NoSuchThing


class Verdict(NamedTuple):
    """What was decided on a candidate, by whom, when, and the reason given."""

    approved: bool
    note: str
    decided_by: str
    time: float


def may_work(task: AnnotationTask, user: User) -> bool:
    """Return whether somebody may be given items: candidates of their screening alone, others of anything else."""
    return user.candidate_of == task.id if task.kind == "screening" or user.candidate_of is not None else True


def candidates(connection: Connection, annotation_task_id: int) -> list[User]:
    """Return everybody who takes or took the screening, the longest known first."""
    judged = select(verdicts.c.user_id).where(verdicts.c.annotation_task_id == annotation_task_id)
    found = select(users).where(or_(users.c.candidate_of == annotation_task_id, users.c.id.in_(judged)))
    return [user_of(row) for row in connection.execute(found.order_by(users.c.id))]


def grade(connection: Connection, event_id: int, grader: User, value: int, *, now: float) -> None:
    """Store a grade, 1 to 7, of a demonstration that a candidate wrote; the grader's newest counts.

    Raises:
        NoSuchThing: there is no such demonstration.
    """
    found = (
        select(label_events.c.id)
        .join(round_items, round_items.c.item_id == label_events.c.item_id)
        .where(label_events.c.id == event_id, label_events.c.kind == "label", round_items.c.test == "writing")
    )
    if connection.execute(found).one_or_none() is None:
        raise NoSuchThing(f"there is no demonstration {event_id}")
    connection.execute(insert(grades).values(event_id=event_id, grader_id=grader.id, grade=value, time=now))


def grades_in(connection: Connection, annotation_task_id: int) -> Mapping[int, Mapping[int, int]]:
    """Return each demonstration's grades, by event and by grader, for all rounds of a screening."""
    found = (
        select(grades.c.event_id, grades.c.grader_id, grades.c.grade)
        .join(label_events, label_events.c.id == grades.c.event_id)
        .join(round_items, round_items.c.item_id == label_events.c.item_id)
        .join(rounds, rounds.c.id == round_items.c.round_id)
        .where(rounds.c.annotation_task_id == annotation_task_id)
        .order_by(grades.c.id)
    )
    given: dict[int, dict[int, int]] = defaultdict(dict)
    for event_id, grader_id, value in connection.execute(found):
        given[event_id][grader_id] = value
    return given


def decide(
    connection: Connection,
    task: AnnotationTask,
    candidate: User,
    *,
    approved: bool,
    note: str,
    decided_by: User,
    now: float,
) -> None:
    """Store a verdict. Whoever is approved may work on everything from now on; others stay where they are.

    Raises:
        NoSuchThing: it is no candidate of this screening.
    """
    if candidate.id not in {one.id for one in candidates(connection, task.id)}:
        raise NoSuchThing(f"{candidate.name!r} is no candidate of {task.name!r}")
    values = {"annotation_task_id": task.id, "user_id": candidate.id, "decided_by": decided_by.id}
    connection.execute(insert(verdicts).values(**values, approved=approved, note=note, time=now))
    changed = update(users).where(users.c.id == candidate.id)
    connection.execute(changed.values(candidate_of=None if approved else task.id))


def verdicts_in(connection: Connection, annotation_task_id: int) -> Mapping[int, Verdict]:
    """Return the newest verdict on each candidate, by number."""
    found = (
        select(verdicts, users.c.name)
        .join(users, users.c.id == verdicts.c.decided_by)
        .where(verdicts.c.annotation_task_id == annotation_task_id)
        .order_by(verdicts.c.id)
    )
    return {row.user_id: Verdict(row.approved, row.note, row.name, row.time) for row in connection.execute(found)}
