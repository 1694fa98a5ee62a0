"""Annotation tasks: what labelers are asked to do with a set of items, and the guideline in its versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast, get_args

from sqlalchemy import Connection, case, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tunesmith.core.errors import ConfigError
from tunesmith.store.annotation.tables import annotation_tasks, guideline_reads, guidelines, items
from tunesmith.store.annotation.users import NAME_LIMIT
from tunesmith.store.problems import NoSuchThing, NotNow

TaskKind = Literal["rank", "pair", "write", "edit", "screening"]
TASK_KINDS: tuple[str, ...] = get_args(TaskKind)
MOST_OVERLAP = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationTask:
    """What is asked, how many labelers answer each item, and how gold items are mixed in.

    `gold_every`: about one in so many items is one whose answer is known; 0 for none. `seed` fixes each labeler's
    order of completions. The items of a screening are of several kinds (`rounds.Test`).
    """

    id: int
    name: str
    kind: TaskKind
    overlap: int
    seed: int
    gold_every: int
    lease_seconds: int
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Guideline:
    """One version of the text that labelers work by."""

    id: int
    version: int
    text: str


class Published(NamedTuple):
    """When a version of the guideline came into force."""

    version: int
    time: float


def add_annotation_task(
    connection: Connection,
    name: str,
    *,
    kind: TaskKind,
    overlap: int,
    now: float,
    seed: int = 0,
    gold_every: int = 10,
) -> AnnotationTask:
    """Store a new annotation task and return it.

    Raises:
        ConfigError: the name or the overlap is out of range.
        NotNow: the name is taken.
    """
    if not name.strip() or len(name) > NAME_LIMIT or not name.isprintable():
        raise ConfigError(f"a name has 1 to {NAME_LIMIT} visible characters", where="annotation task")
    _check_overlap(overlap)
    values = {"name": name, "overlap": overlap, "seed": seed, "gold_every": gold_every, "created_at": now}
    screening = kind == "screening"
    values |= {"kind": "rank" if screening else kind, "screening": screening}
    try:
        with connection.begin_nested():
            connection.execute(insert(annotation_tasks).values(**values, lease_seconds=1800, paused=False))
    except IntegrityError as error:
        raise NotNow(f"there is an annotation task {name!r} already") from error
    return cast(AnnotationTask, find_annotation_task(connection, name))


def find_annotation_task(connection: Connection, name: str) -> AnnotationTask | None:
    """Return the annotation task of this name, or None."""
    row = connection.execute(select(annotation_tasks).where(annotation_tasks.c.name == name)).one_or_none()
    return None if row is None else _task_of(row)


def get_annotation_task(connection: Connection, annotation_task_id: int) -> AnnotationTask:
    """Return an annotation task.

    Raises:
        NoSuchThing: there is no such annotation task.
    """
    found = select(annotation_tasks).where(annotation_tasks.c.id == annotation_task_id)
    row = connection.execute(found).one_or_none()
    if row is None:
        raise NoSuchThing(f"there is no annotation task {annotation_task_id}")
    return _task_of(row)


def list_annotation_tasks(connection: Connection) -> list[AnnotationTask]:
    """Return every annotation task, the oldest first."""
    return [_task_of(row) for row in connection.execute(select(annotation_tasks).order_by(annotation_tasks.c.id))]


def set_paused(connection: Connection, annotation_task_id: int, paused: bool) -> None:
    """Stop handing out items of an annotation task, or go on; what is held may still be submitted."""
    connection.execute(
        update(annotation_tasks).where(annotation_tasks.c.id == annotation_task_id).values(paused=paused)
    )


def set_overlap(connection: Connection, annotation_task_id: int, overlap: int) -> None:
    """Ask more or fewer labelers per item from now on; an item keeps the labels it has, even above the new number.

    Gold items are left alone.

    Raises:
        ConfigError: the overlap is out of range.
    """
    _check_overlap(overlap)
    task = annotation_tasks.c.id == annotation_task_id
    connection.execute(update(annotation_tasks).where(task).values(overlap=overlap))
    used = items.c.overlap - items.c.free
    least = case((used > overlap, used), else_=overlap)
    mine = (items.c.annotation_task_id == annotation_task_id, ~items.c.is_gold)
    connection.execute(update(items).where(*mine).values(overlap=least, free=least - used))


def publish_guideline(
    connection: Connection, annotation_task_id: int, text: str, *, author_id: int | None, now: float
) -> Guideline:
    """Store the next version of the guideline; the same text again changes nothing."""
    present = current_guideline(connection, annotation_task_id)
    if present is not None and present.text == text:
        return present
    values = {"annotation_task_id": annotation_task_id, "version": present.version + 1 if present else 1, "text": text}
    connection.execute(insert(guidelines).values(**values, author_id=author_id, created_at=now))
    return cast(Guideline, current_guideline(connection, annotation_task_id))


def current_guideline(connection: Connection, annotation_task_id: int) -> Guideline | None:
    """Return the newest version, or None where none was written."""
    found = select(guidelines).where(guidelines.c.annotation_task_id == annotation_task_id)
    row = connection.execute(found.order_by(guidelines.c.version.desc()).limit(1)).one_or_none()
    return None if row is None else Guideline(id=row.id, version=row.version, text=row.text)


def guideline_history(connection: Connection, annotation_task_id: int) -> list[Published]:
    """Return when each version came, the oldest first."""
    found = select(guidelines.c.version, guidelines.c.created_at)
    mine = found.where(guidelines.c.annotation_task_id == annotation_task_id).order_by(guidelines.c.version)
    return [Published(version, time) for version, time in connection.execute(mine)]


def has_read(connection: Connection, guideline_id: int, user_id: int) -> bool:
    """Return whether the labeler confirmed that version."""
    mine = (guideline_reads.c.guideline_id == guideline_id, guideline_reads.c.user_id == user_id)
    found = select(func.count()).select_from(guideline_reads).where(*mine)
    return bool(connection.execute(found).scalar_one())


def confirm_read(connection: Connection, guideline_id: int, user_id: int, *, now: float) -> None:
    """Remember that the labeler read that version.

    Raises:
        NoSuchThing: there is no such version.
    """
    if connection.execute(select(guidelines.c.id).where(guidelines.c.id == guideline_id)).one_or_none() is None:
        raise NoSuchThing(f"there is no guideline {guideline_id}")
    if not has_read(connection, guideline_id, user_id):
        connection.execute(insert(guideline_reads).values(guideline_id=guideline_id, user_id=user_id, time=now))


def _check_overlap(overlap: int) -> None:
    if not 1 <= overlap <= MOST_OVERLAP:
        raise ConfigError(f"must be between 1 and {MOST_OVERLAP}", where="overlap")


def _task_of(row: Any) -> AnnotationTask:
    return AnnotationTask(
        id=row.id,
        name=row.name,
        kind="screening" if row.screening else row.kind,
        overlap=row.overlap,
        seed=row.seed,
        gold_every=row.gold_every,
        lease_seconds=row.lease_seconds,
        paused=row.paused,
    )
