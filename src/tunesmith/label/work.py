"""A labeler's next item as the page needs it: blind, in this labeler's order, with the guideline in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection

from tunesmith.core.records import Completion, Demonstration, Document, Message, Prompt, Ranking, messages_to_json
from tunesmith.label.answers import AnswerKind
from tunesmith.label.blind import letters, shown_order
from tunesmith.store.annotation.candidates import may_work
from tunesmith.store.annotation.items import Item, get_item
from tunesmith.store.annotation.progress import my_labels, waiting_for
from tunesmith.store.annotation.queue import claim
from tunesmith.store.annotation.rounds import Test, due_round, left_in, measure_of
from tunesmith.store.annotation.tasks import AnnotationTask, Guideline, current_guideline, has_read
from tunesmith.store.annotation.users import User
from tunesmith.store.problems import NotNow

_KINDS: Mapping[Test, AnswerKind] = {
    "flagging": "flag",
    "ranking": "rank",
    "writing": "write",
    "self_assessment": "assess",
}


def next_item(connection: Connection, task: AnnotationTask, user: User, *, now: float) -> dict[str, Any]:
    """Return what the work page shows next; `item` is None where nothing waits for this labeler.

    Raises:
        NotNow: a candidate asks for more than their screening.
    """
    if user.candidate_of is not None and not may_work(task, user):
        raise NotNow("your answers are still being looked at", where=f"annotation task {task.id}")
    guideline = current_guideline(connection, task.id)
    lease = claim(connection, task, user, now=now)
    due = due_round(connection, task.id, user)
    left = None if due is None else left_in(connection, due.id, user)
    body: dict[str, Any] = {
        "task": {"id": task.id, "name": task.name, "kind": task.kind, "paused": task.paused},
        "guideline": _guideline_view(connection, guideline, user),
        "labeled": my_labels(connection, task.id, user),
        "waiting": waiting_for(connection, task, user, left),
        "round": None,
        "item": None,
    }
    if due is not None and left is not None:
        body["round"] = {
            "id": due.id,
            "number": due.number,
            "done": left.done,
            "of": left.of,
            "screening": task.kind == "screening",
        }
    if lease is not None:
        item = get_item(connection, lease.item_id)
        body["item"] = {**item_view(item, task, user, measure_of(connection, item.id)), "expires_at": lease.expires_at}
    return body


def item_view(item: Item, task: AnnotationTask, user: User, test: Test | None = None) -> dict[str, Any]:
    """Return an item without anything that tells who wrote what; `test` is what it measures in a screening."""
    kind = answer_kind(task, test)
    if kind == "flag":
        return _flag_view(item)
    texts = {completion.id: completion.text for completion in completions_of(item)}
    order = letters(order_for(item, task, user))
    return {
        "id": item.id,
        "kind": kind,
        "messages": messages_to_json(tuple(prompt_of(item))),
        "completions": [{"letter": letter, "text": texts[name]} for letter, name in order.items()],
        "draft": item.record.completion if isinstance(item.record, Demonstration) else None,
        "topics": topics_of(item),
    }


def answer_kind(task: AnnotationTask, test: Test | None) -> AnswerKind:
    """Return what is asked of an item."""
    return _KINDS[test] if test is not None else cast(AnswerKind, task.kind)


def topics_of(item: Item) -> tuple[str, ...]:
    """Return the topics that a self-assessment asks about; empty for any other item."""
    return tuple(item.record.meta.get("topics", ()))


def _flag_view(item: Item) -> dict[str, Any]:
    record = item.record
    assert isinstance(record, Demonstration), "what is flagged is a prompt with its completion"
    return {
        "id": item.id,
        "kind": "flag",
        "messages": messages_to_json(tuple(record.prompt)),
        "completions": [{"letter": "A", "text": record.completion}],
        "draft": None,
        "topics": (),
    }


def order_for(item: Item, task: AnnotationTask, user: User) -> tuple[str, ...]:
    """Return the completion ids in this labeler's order; empty where there are none."""
    return shown_order(completions_of(item), seed=task.seed, item_id=item.id, user_id=user.id)


def completions_of(item: Item) -> Sequence[Completion]:
    """Return what is to be ranked."""
    return item.record.completions if isinstance(item.record, Ranking) else ()


def prompt_of(item: Item) -> Sequence[Message]:
    """Return what was asked."""
    record = item.record
    assert not isinstance(record, Document), "documents are refused when items are added"
    if isinstance(record, Demonstration):
        return record.prompt
    assert isinstance(record, Prompt | Ranking)
    return record.messages


def _guideline_view(connection: Connection, guideline: Guideline | None, user: User) -> dict[str, Any] | None:
    if guideline is None:
        return None
    read = has_read(connection, guideline.id, user.id)
    return {"id": guideline.id, "version": guideline.version, "text": guideline.text, "read": read}
