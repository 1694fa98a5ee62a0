"""Rounds: a few items that everybody answers before anything else, all in the same order.

A labeler works on the newest round of the annotation task alone. When every item is answered they finish the round;
from then on their answers stand, and may be compared with the known ones. A skipped item counts as answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, func, insert, select

from tunesmith.store.annotation.items import EVERYBODY, NewItem, add_items, find_item
from tunesmith.store.annotation.tables import guidelines, leases, round_finishes, round_items, rounds
from tunesmith.store.annotation.tasks import AnnotationTask, current_guideline
from tunesmith.store.annotation.users import User
from tunesmith.store.problems import NoSuchThing, NotNow

Test = Literal["flagging", "ranking", "writing", "self_assessment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """`version` is that of the guideline in force when the round was opened, None where there was none."""

    id: int
    annotation_task_id: int
    number: int
    version: int | None
    opened_at: float


class RoundItem(NamedTuple):
    """One item of a round; `test` is what it measures in a screening, None in a calibration round."""

    item_id: int
    position: int
    test: Test | None


class Left(NamedTuple):
    """How far somebody is in a round: the next item, None where all are answered, and how many of how many are."""

    item_id: int | None
    done: int
    of: int


def open_round(
    connection: Connection,
    task: AnnotationTask,
    new_items: Sequence[tuple[NewItem, Test | None]],
    *,
    opened_by: int | None,
    now: float,
) -> Round:
    """Store a round with these items, in their order, and return it; it takes the place of the one before.

    Raises:
        NotNow: the annotation task has one of the items already, so somebody may have met it.
    """
    number = (connection.execute(_number_of(task.id)).scalar() or 0) + 1
    guideline = current_guideline(connection, task.id)
    values = {"annotation_task_id": task.id, "number": number, "opened_by": opened_by, "opened_at": now}
    values["guideline_id"] = guideline.id if guideline else None
    round_id = connection.execute(insert(rounds).values(values).returning(rounds.c.id)).scalar_one()
    rows = []
    for position, (item, test) in enumerate(new_items):
        if not add_items(connection, task, [item], overlap=EVERYBODY).new:
            raise NotNow(
                "an item is in the annotation task already",
                where=f"item {position + 1} of the round",
                why="somebody may have met it",
                remedy="take another one",
            )
        item_id = find_item(connection, task.id, item.record)
        rows.append({"item_id": item_id, "round_id": round_id, "position": position, "test": test})
    connection.execute(insert(round_items), rows)
    return get_round(connection, round_id)


def get_round(connection: Connection, round_id: int) -> Round:
    """Return a round.

    Raises:
        NoSuchThing: there is no such round.
    """
    row = connection.execute(_rounds().where(rounds.c.id == round_id)).one_or_none()
    if row is None:
        raise NoSuchThing(f"there is no round {round_id}")
    return _round_of(row)


def list_rounds(connection: Connection, annotation_task_id: int) -> list[Round]:
    """Return the rounds of an annotation task, the newest first."""
    found = _rounds().where(rounds.c.annotation_task_id == annotation_task_id).order_by(rounds.c.number.desc())
    return [_round_of(row) for row in connection.execute(found)]


def items_of(connection: Connection, round_id: int) -> list[RoundItem]:
    """Return the items of a round in their order."""
    found = select(round_items.c.item_id, round_items.c.position, round_items.c.test)
    mine = found.where(round_items.c.round_id == round_id).order_by(round_items.c.position)
    return [RoundItem(*row) for row in connection.execute(mine)]


def measure_of(connection: Connection, item_id: int) -> Test | None:
    """Return what an item of a screening measures; None for any other item."""
    found: Test | None = connection.execute(
        select(round_items.c.test).where(round_items.c.item_id == item_id)
    ).scalar_one_or_none()
    return found


def due_round(connection: Connection, annotation_task_id: int, user: User) -> Round | None:
    """Return the newest round where this labeler has not finished it; None where they may go on."""
    newest = _rounds().where(rounds.c.annotation_task_id == annotation_task_id).order_by(rounds.c.number.desc())
    row = connection.execute(newest.limit(1)).one_or_none()
    if row is None or _has_finished(connection, row.id, user):
        return None
    return _round_of(row)


def left_in(connection: Connection, round_id: int, user: User) -> Left:
    """Return how far the labeler is."""
    mine = (leases.c.user_id == user.id, leases.c.state != "expired")
    met = leases.c.state.label("state")
    found = (
        select(round_items.c.item_id, met)
        .outerjoin(leases, (leases.c.item_id == round_items.c.item_id) & mine[0] & mine[1])
        .where(round_items.c.round_id == round_id)
        .order_by(round_items.c.position)
    )
    rows = connection.execute(found).all()
    done = sum(row.state in ("done", "skipped") for row in rows)
    return Left(next((row.item_id for row in rows if row.state is None), None), done, len(rows))


def finish(connection: Connection, round_id: int, user: User, *, now: float) -> None:
    """Remember that the labeler answered all; a second time changes nothing.

    Raises:
        NoSuchThing: there is no such round.
        NotNow: items of the round wait for this labeler.
    """
    get_round(connection, round_id)
    if _has_finished(connection, round_id, user):
        return
    left = left_in(connection, round_id, user)
    if left.done < left.of:
        raise NotNow(f"you have answered {left.done} of {left.of} items", where=f"round {round_id}")
    connection.execute(insert(round_finishes).values(round_id=round_id, user_id=user.id, time=now))


def finishes(connection: Connection, round_id: int) -> Mapping[int, float]:
    """Return when each labeler, by number, finished the round."""
    found = select(round_finishes.c.user_id, round_finishes.c.time).where(round_finishes.c.round_id == round_id)
    return {user_id: time for user_id, time in connection.execute(found)}


def answers_stand(connection: Connection, item_id: int, user_id: int) -> bool:
    """Return whether the item belongs to a round that this labeler has finished."""
    found = (
        select(func.count())
        .select_from(round_items)
        .join(round_finishes, round_finishes.c.round_id == round_items.c.round_id)
        .where(round_items.c.item_id == item_id, round_finishes.c.user_id == user_id)
    )
    return bool(connection.execute(found).scalar_one())


def _has_finished(connection: Connection, round_id: int, user: User) -> bool:
    found = select(round_finishes.c.time).where(
        round_finishes.c.round_id == round_id, round_finishes.c.user_id == user.id
    )
    return connection.execute(found).one_or_none() is not None


def _number_of(annotation_task_id: int) -> Any:
    return select(func.max(rounds.c.number)).where(rounds.c.annotation_task_id == annotation_task_id)


def _rounds() -> Any:
    return select(rounds, guidelines.c.version).outerjoin(guidelines, guidelines.c.id == rounds.c.guideline_id)


def _round_of(row: Any) -> Round:
    return Round(
        id=row.id,
        annotation_task_id=row.annotation_task_id,
        number=row.number,
        version=row.version,
        opened_at=row.opened_at,
    )
