"""Replies: what a served model read, what it said, and what that model was.

A reply that belongs to no conversation (a program called the API) is kept without its texts: enough to walk from its id
to the model behind it, and nothing of what was said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select

from tunesmith.core.records import Message, messages_to_json
from tunesmith.store.conversation.tables import conversations, replies
from tunesmith.store.problems import NoSuchThing, NotNow


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One served reply.

    `messages` is the prompt as the model read it, with the context that was put in; `asked` is what the person wrote.

    `origin`: `folder` of the model, `run` if it is one of ours, `template_hash`, `experiment` and `arm` of an A/B test.
    `sampling`: `seed`, `temperature`, ...
    `timings`: `seconds`, `first_token_seconds`, `prompt_tokens`, `completion_tokens`. What is not known is left out.
    """

    id: str
    messages: tuple[Message, ...]
    completion: str
    model: str
    time: float
    conversation_id: str | None = None
    parent_id: str | None = None
    pair_id: str | None = None
    asked: str = ""
    origin: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    timings: Mapping[str, Any] = field(default_factory=dict)
    receipt: Mapping[str, Any] | None = None
    finish_reason: str = "stop"


def add_reply(connection: Connection, reply: Reply) -> None:
    """Store a reply; without a conversation its texts and its receipt are left out.

    Raises:
        NotNow: its parent is not a reply of the same conversation.
    """
    if reply.parent_id is not None:
        known = select(replies.c.conversation_id).where(replies.c.id == reply.parent_id)
        if reply.conversation_id is None or connection.execute(known).scalar_one_or_none() != reply.conversation_id:
            raise NotNow("the reply before it is not in this conversation", where=reply.parent_id)
    kept = reply.conversation_id is not None
    values = {
        "id": reply.id,
        "conversation_id": reply.conversation_id,
        "parent_id": reply.parent_id,
        "pair_id": reply.pair_id,
        "asked": _text(reply.asked if kept else ""),
        "messages": _text(messages_to_json(reply.messages) if kept else []),
        "completion": _text(reply.completion if kept else ""),
        "model": reply.model,
        "origin": _text(reply.origin),
        "sampling": _text(reply.sampling),
        "timings": _text(reply.timings),
        "receipt": _text(reply.receipt) if kept and reply.receipt is not None else None,
        "finish_reason": reply.finish_reason,
        "time": reply.time,
    }
    connection.execute(insert(replies).values(values))


def get_reply(connection: Connection, reply_id: str) -> Reply:
    """Return a reply; where its conversation was erased, or never kept, without texts.

    Raises:
        NoSuchThing: no such reply was stored.
    """
    row = connection.execute(select(replies).where(replies.c.id == reply_id)).one_or_none()
    if row is None:
        raise NoSuchThing("there is no such reply", where=reply_id[:80])
    return reply_of(row)


def replies_of(connection: Connection, conversation_id: str) -> list[Reply]:
    """Return the replies of a conversation, the oldest first."""
    found = select(replies).where(replies.c.conversation_id == conversation_id)
    return [reply_of(row) for row in connection.execute(found.order_by(replies.c.time, replies.c.id))]


def erased_at(connection: Connection, reply: Reply) -> float | None:
    """Return when the reply's conversation was erased by its owner, or None."""
    found = select(conversations.c.erased_at).where(conversations.c.id == reply.conversation_id)
    return connection.execute(found).scalar_one_or_none()


def reply_of(row: Any) -> Reply:
    """Return the reply of a row of the table."""
    return Reply(
        id=row.id,
        conversation_id=row.conversation_id,
        parent_id=row.parent_id,
        pair_id=row.pair_id,
        asked=orjson.loads(row.asked),
        messages=tuple(Message(**message) for message in orjson.loads(row.messages)),
        completion=orjson.loads(row.completion),
        model=row.model,
        origin=orjson.loads(row.origin),
        sampling=orjson.loads(row.sampling),
        timings=orjson.loads(row.timings),
        receipt=None if row.receipt is None else orjson.loads(row.receipt),
        finish_reason=row.finish_reason,
        time=row.time,
    )


def _text(value: Any) -> str:
    # Texts are kept as JSON too: PostgreSQL takes no NUL character, which a model can very well produce.
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
