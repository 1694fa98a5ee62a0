"""Conversations: begun, listed, renamed, consented to, and erased by the person they belong to."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from tunesmith.store.conversation.tables import conversations, feedback_events, replies
from tunesmith.store.problems import NoSuchThing

TITLE_LIMIT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation that was not erased."""

    id: str
    owner: str
    title: str
    consent: bool
    created_at: float
    changed_at: float


def begin(connection: Connection, owner: str, title: str, *, consent: bool, now: float) -> Conversation:
    """Store a new conversation and return it; a long title is cut."""
    made = Conversation(
        id=secrets.token_hex(12),
        owner=owner,
        title=_title(title),
        consent=consent,
        created_at=now,
        changed_at=now,
    )
    values = {name: getattr(made, name) for name in Conversation.__slots__}
    connection.execute(insert(conversations).values(values))
    return made


def get_conversation(connection: Connection, conversation_id: str, owner: str) -> Conversation:
    """Return a conversation of this owner.

    Raises:
        NoSuchThing: there is none, it is somebody else's, or it was erased.
    """
    mine = (conversations.c.id == conversation_id, conversations.c.owner == owner)
    row = connection.execute(select(conversations).where(*mine, conversations.c.erased_at.is_(None))).one_or_none()
    if row is None:
        raise NoSuchThing("there is no such conversation", where=conversation_id[:40])
    return _conversation(row)


def list_conversations(connection: Connection, owner: str, *, limit: int) -> list[Conversation]:
    """Return the owner's conversations, the one that changed last first."""
    found = (
        select(conversations)
        .where(conversations.c.owner == owner, conversations.c.erased_at.is_(None))
        .order_by(conversations.c.changed_at.desc(), conversations.c.id)
        .limit(limit)
    )
    return [_conversation(row) for row in connection.execute(found)]


def rename(connection: Connection, conversation: Conversation, title: str) -> None:
    """Change the title; a long one is cut."""
    _change(connection, conversation.id, title=_title(title))


def set_consent(connection: Connection, conversation: Conversation, consent: bool) -> None:
    """Say whether the conversation's feedback may be exported from now on."""
    _change(connection, conversation.id, consent=consent)


def touch(connection: Connection, conversation_id: str, *, now: float) -> None:
    """Move the conversation to the top of its owner's list."""
    _change(connection, conversation_id, changed_at=now)


def erase(connection: Connection, conversation: Conversation, *, now: float) -> None:
    """Delete every text of the conversation and its feedback.

    What stays is that replies with these ids were served, by which model and when, so that a record which was exported
    before can still be traced; no word of the conversation is in the file any more.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")  # freed pages are overwritten, not only unlinked
    _change(connection, conversation.id, title="", consent=False, erased_at=now)
    connection.execute(delete(feedback_events).where(feedback_events.c.conversation_id == conversation.id))
    mine = replies.c.conversation_id == conversation.id
    connection.execute(update(replies).where(mine).values(asked='""', messages="[]", completion='""', receipt=None))


def _change(connection: Connection, conversation_id: str, **values: object) -> None:
    connection.execute(update(conversations).where(conversations.c.id == conversation_id).values(**values))


def _title(text: str) -> str:
    """Cut a title, without what cannot be shown on a line (nor, as NUL, be stored in PostgreSQL)."""
    return "".join(one if one.isprintable() else " " for one in text)[:TITLE_LIMIT]


def _conversation(row: object) -> Conversation:
    return Conversation(**{name: getattr(row, name) for name in Conversation.__slots__})
