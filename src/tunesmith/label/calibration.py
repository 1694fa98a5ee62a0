"""Calibration rounds: everybody answers the same few items first, then sees the lead's answers and the group's.

All meet the items in the same order, so that each answer was given with the same practice behind it; within an item
each labeler's completions keep an order of their own, as everywhere, so that a bias of place does not pass for
agreement. Only the answers of those who finished are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from tunesmith.core.errors import DataError
from tunesmith.core.records import Message, Record
from tunesmith.label.adding import item_record, known_answer
from tunesmith.label.judgements import (
    SEED,
    Judged,
    against_gold,
    by_item,
    judged,
    known_order,
    meetings,
    order_units,
    pairwise,
    rate_of,
)
from tunesmith.label.work import prompt_of
from tunesmith.statistics.alpha import krippendorff_alpha
from tunesmith.statistics.rates import Rate
from tunesmith.store.annotation.items import Item, NewItem, items_by_id
from tunesmith.store.annotation.labels import labels_of
from tunesmith.store.annotation.rounds import Round, finishes, items_of, left_in, open_round
from tunesmith.store.annotation.tasks import AnnotationTask
from tunesmith.store.annotation.users import list_users


class Opened(NamedTuple):
    """A new round with so many items; `refused` records by reason."""

    round: Round
    items: int
    refused: Mapping[str, int]


class CalibrationLine(NamedTuple):
    """One labeler in a round; the rates are None until they finish, and where there is nobody to compare with."""

    labeler: str
    done: int
    finished_at: float | None
    with_gold: Rate | None
    with_others: Rate | None


class CalibrationItem(NamedTuple):
    """One item of a round: how far all agree with the known answer, and with each other."""

    number: int
    asked: Sequence[Message]
    with_gold: Rate | None
    together: Rate | None


class CalibrationReport(NamedTuple):
    """A round as the lead sees it."""

    round: Round
    n_items: int
    finished: int
    with_gold: Rate | None
    pairwise: Rate | None
    order_alpha: Rate | None
    labelers: Sequence[CalibrationLine]
    items: Sequence[CalibrationItem]


def open_calibration(
    connection: Connection,
    task: AnnotationTask,
    records: Iterable[Record],
    *,
    opened_by: int | None,
    now: float,
) -> Opened:
    """Open a round of records that hold the lead's answers.

    Raises:
        DataError: the task is not about orders, or no record fits.
        NotNow: the task has one of the records already.
    """
    if task.kind not in ("rank", "pair"):
        raise DataError("only ranking and pairs can be calibrated", where=f"annotation task {task.name!r}")
    refused: Counter[str] = Counter()
    made = []
    for record in records:
        try:
            made.append((NewItem(record=item_record(task.kind, record), gold=known_answer(record)), None))
        except DataError as error:
            refused[error.what] += 1
    if not made:
        why = "; ".join(f"{n:,} x {reason}" for reason, n in refused.items()) or "the files hold no records"
        raise DataError(f"nothing to calibrate the task {task.name!r} with", why=why)
    return Opened(open_round(connection, task, made, opened_by=opened_by, now=now), len(made), dict(refused))


def calibration_report(connection: Connection, task: AnnotationTask, one: Round) -> CalibrationReport:
    """Return who is how far, and how far those who finished agree."""
    done = finishes(connection, one.id)
    people = list_users(connection)
    items = round_items(connection, one)
    found = answers(connection, items, {user.name for user in people if user.id in done})
    truths = {item.id: known_order(item) for item in items}
    expected = [user for user in people if user.role == "labeler" and user.can_log_in and not user.disabled]
    answered = {user.id: left_in(connection, one.id, user).done for user in people}
    begun = [user for user in people if user.id in done or answered[user.id]]
    present = sorted({user.name: user for user in (*expected, *begun)}.values(), key=lambda user: user.name)
    return CalibrationReport(
        round=one,
        n_items=len(items),
        finished=len(done),
        with_gold=rate_of(against_gold(found, truths, None)),
        pairwise=rate_of(by_item(meetings(found))),
        order_alpha=krippendorff_alpha(order_units(found), level="nominal", seed=SEED),
        labelers=[
            CalibrationLine(
                user.name,
                answered[user.id],
                done.get(user.id),
                rate_of(against_gold(found, truths, user.name)),
                rate_of(pairwise(found, user.name)),
            )
            for user in present
        ],
        items=[
            CalibrationItem(
                number,
                prompt_of(item),
                rate_of(against_gold([said], truths, None)),
                rate_of(by_item(meetings([said]))),
            )
            for number, (item, said) in enumerate(zip(items, found, strict=True), 1)
        ],
    )


def round_items(connection: Connection, one: Round) -> list[Item]:
    """Return the items of a round in their order."""
    order = [found.item_id for found in items_of(connection, one.id)]
    items = items_by_id(connection, order)
    return [items[item_id] for item_id in order]


def answers(connection: Connection, items: Iterable[Item], names: set[str]) -> list[Judged]:
    """Return what these labelers said of each item."""
    return [judged(item, [one for one in labels_of(connection, item.id) if one.labeler in names]) for item in items]
