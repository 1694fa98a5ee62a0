"""Every served reply goes into the store: with its texts where it belongs to a conversation, else only what made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from tunesmith.serve.chat.desk import LOCAL
from tunesmith.serve.reply_record import ReplyRecord
from tunesmith.store.conversation.conversations import get_conversation, touch
from tunesmith.store.conversation.replies import Reply, add_reply
from tunesmith.store.database import Database
from tunesmith.store.problems import NoSuchThing

CANCELLED = "cancelled"


class Recorder:
    """What `create_app` is told to do with a reply that is over.

    A request says in its `metadata` where it belongs: `conversation`, `parent` (the reply before it), and `pair`.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def __call__(self, record: ReplyRecord) -> None:
        """Store a reply."""
        with self.database.write() as connection:
            conversation = _conversation(connection, record)
            add_reply(connection, _reply(record, conversation))
            if conversation is not None:
                touch(connection, conversation, now=record.created)


def _conversation(connection: Connection, record: ReplyRecord) -> str | None:
    """Return the conversation that the reply belongs to; one that was erased meanwhile gets no texts any more."""
    name = record.metadata.get("conversation")
    if name is None or len(record.completions) != 1:
        return None
    try:
        return get_conversation(connection, name, record.key or LOCAL).id
    except NoSuchThing:
        return None


def _reply(record: ReplyRecord, conversation: str | None) -> Reply:
    text, finish, _ = record.completions[0]
    return Reply(
        id=record.id,
        conversation_id=conversation,
        parent_id=record.metadata.get("parent") if conversation else None,
        pair_id=record.metadata.get("pair"),
        asked=record.asked,
        messages=record.messages,
        completion=text,
        model=record.model,
        origin=_origin(record),
        sampling=_sampling(record),
        timings=_timings(record),
        receipt=record.receipt,
        finish_reason=finish or CANCELLED,
        time=record.created,
    )


def _origin(record: ReplyRecord) -> dict[str, Any]:
    run = Path(record.folder).parent
    known = {"run": str(run)} if (run / "provenance.json").is_file() else {}
    tested = {"experiment": record.asked_model, "arm": record.arm} if record.arm else {}
    return {"folder": record.folder, **known, **tested}


def _sampling(record: ReplyRecord) -> dict[str, Any]:
    names = ("seed", "temperature", "top_p", "top_k", "max_tokens")
    return {name: value for name in names if (value := getattr(record, name)) is not None}


def _timings(record: ReplyRecord) -> dict[str, Any]:
    found = {
        "seconds": record.timings.total_s,
        "first_token_seconds": record.timings.first_token_s,
        "prompt_tokens": record.prompt_tokens,
        "completion_tokens": sum(one.tokens for one in record.completions),
    }
    return {name: value for name, value in found.items() if value is not None}
