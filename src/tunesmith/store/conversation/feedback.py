"""What a person made of a reply, as events that are only ever appended, each with a key that the client made.

* `thumb`: up, down, or none (taken back); the newest of a reply counts.
* `vote`: of a side-by-side pair: the first shown, the second shown, a tie, or both bad; one per pair, for good.
* `edit`: the text that the person would rather have read; the newest of a reply counts.
* `regeneration`: the person asked again; `other_id` is the reply that they were not content with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, insert, select

from tunesmith.core.errors import DataError
from tunesmith.store.conversation.conversations import Conversation
from tunesmith.store.conversation.replies import Reply, get_reply
from tunesmith.store.conversation.tables import feedback_events, replies
from tunesmith.store.problems import NoSuchThing, NotNow

FeedbackKind = Literal["thumb", "vote", "edit", "regeneration"]
THUMBS = ("up", "down", "none")
CHOICES = ("first", "second", "tie", "both_bad")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a person says. Of a vote, `reply_id` was shown first (left, or above) and `other_id` second."""

    key: str
    kind: FeedbackKind
    reply_id: str
    other_id: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackEvent(Feedback):
    """Feedback as it is stored."""

    id: int
    conversation_id: str
    time: float


def give(connection: Connection, conversation: Conversation, said: Feedback, *, now: float) -> FeedbackEvent:
    """Store feedback and return it; the same key again is the same event.

    Raises:
        DataError: the payload does not fit the kind.
        NoSuchThing: a reply is not in this conversation.
        NotNow: the pair has a vote already, the two replies are no pair or no siblings, or the key is used.
    """
    known = connection.execute(select(feedback_events).where(feedback_events.c.key == said.key)).one_or_none()
    if known is not None:
        return _same(event_of(known), conversation, said)
    _check_payload(said)
    reply = _mine(connection, conversation, said.reply_id)
    if (said.other_id is None) != (said.kind in ("thumb", "edit")):
        raise DataError(f"a {said.kind} names {'two replies' if said.other_id is None else 'one reply'}")
    if said.other_id is not None:
        _check_two(connection, said, reply, _mine(connection, conversation, said.other_id))
    values = {
        "key": said.key,
        "kind": said.kind,
        "conversation_id": conversation.id,
        "reply_id": said.reply_id,
        "other_id": said.other_id,
        "payload": orjson.dumps(said.payload, option=orjson.OPT_SORT_KEYS).decode(),
        "time": now,
    }
    stored = insert(feedback_events).values(values).returning(*feedback_events.c)
    return event_of(connection.execute(stored).one())


def feedback_of(connection: Connection, conversation_id: str) -> list[FeedbackEvent]:
    """Return everything that was said about a conversation, the oldest first."""
    found = select(feedback_events).where(feedback_events.c.conversation_id == conversation_id)
    return [event_of(row) for row in connection.execute(found.order_by(feedback_events.c.id))]


def newest(events: list[FeedbackEvent], kind: FeedbackKind) -> dict[str, FeedbackEvent]:
    """Return, by reply, the newest event of a kind."""
    return {event.reply_id: event for event in events if event.kind == kind}


def event_of(row: Any) -> FeedbackEvent:
    """Return the event of a row of the table."""
    return FeedbackEvent(
        id=row.id,
        key=row.key,
        kind=row.kind,
        conversation_id=row.conversation_id,
        reply_id=row.reply_id,
        other_id=row.other_id,
        payload=orjson.loads(row.payload),
        time=row.time,
    )


def _same(known: FeedbackEvent, conversation: Conversation, said: Feedback) -> FeedbackEvent:
    before = (known.conversation_id, known.kind, known.reply_id, known.other_id, known.payload)
    if before != (conversation.id, said.kind, said.reply_id, said.other_id, dict(said.payload)):
        raise NotNow("this key was used for something else", where="key", remedy="make a new one")
    return known


def _check_payload(said: Feedback) -> None:
    fits = {
        "thumb": lambda body: set(body) == {"value"} and body["value"] in THUMBS,
        "vote": lambda body: set(body) == {"choice"} and body["choice"] in CHOICES,
        "edit": lambda body: set(body) == {"text"} and isinstance(body["text"], str) and bool(body["text"].strip()),
        "regeneration": lambda body: not body,
    }
    if not fits[said.kind](said.payload):
        raise DataError(f"not what a {said.kind} says", where="payload")


def _mine(connection: Connection, conversation: Conversation, reply_id: str) -> Reply:
    reply = get_reply(connection, reply_id)
    if reply.conversation_id != conversation.id:
        raise NoSuchThing("there is no such reply in this conversation", where=reply_id[:80])
    return reply


def _check_two(connection: Connection, said: Feedback, one: Reply, two: Reply) -> None:
    if one.id == two.id or one.parent_id != two.parent_id:
        raise NotNow("these are not two replies at the same place", where=said.key)
    if said.kind != "vote":
        return
    if one.pair_id is None or one.pair_id != two.pair_id:
        raise NotNow("these two were not shown side by side", where=said.key)
    voted = (
        select(feedback_events.c.id)
        .join(replies, replies.c.id == feedback_events.c.reply_id)
        .where(feedback_events.c.kind == "vote", replies.c.pair_id == one.pair_id)
    )
    if connection.execute(voted).first() is not None:
        raise NotNow("this pair has a vote already", where=said.key)
