"""A person who talks with a model, straight in the database."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from tunesmith.core.records import Message
from tunesmith.store.conversation import conversations, feedback, replies
from tunesmith.store.conversation.conversations import Conversation
from tunesmith.store.conversation.feedback import Feedback, FeedbackEvent
from tunesmith.store.conversation.replies import Reply
from tunesmith.store.database import Database

START = 1_800_000_000.0
ASKED = (Message("user", "Where is my parcel?"),)


@dataclass
class Scene:
    database: Database
    now: float = START
    numbers: Any = field(default_factory=itertools.count)

    def begin(self, owner: str = "you", *, consent: bool = True) -> Conversation:
        self.now += 1
        with self.database.write() as connection:
            return conversations.begin(connection, owner, "A talk", consent=consent, now=self.now)

    def reply(self, talk: Conversation | None, completion: str = "On its way.", **more: Any) -> Reply:
        self.now += 1
        made = Reply(
            id=f"chatcmpl-{next(self.numbers)}",
            messages=more.pop("messages", ASKED),
            completion=completion,
            model=more.pop("model", "sft"),
            time=self.now,
            conversation_id=talk.id if talk else None,
            **more,
        )
        with self.database.write() as connection:
            replies.add_reply(connection, made)
        return made

    def pair(self, talk: Conversation, one: str = "Left.", two: str = "Right.", **more: Any) -> tuple[Reply, Reply]:
        pair_id = f"pair-{next(self.numbers)}"
        first = self.reply(talk, one, pair_id=pair_id, model="sft", **more)
        return first, self.reply(talk, two, pair_id=pair_id, model="ppo", **more)

    def say(
        self, talk: Conversation, kind: Any, reply: Reply, other: Reply | None = None, *, key: str = "", **payload: Any
    ) -> FeedbackEvent:
        said = Feedback(
            key=key or f"key-{next(self.numbers)}",
            kind=kind,
            reply_id=reply.id,
            other_id=other.id if other else None,
            payload=payload,
        )
        self.now += 1
        with self.database.write() as connection:
            return feedback.give(connection, talk, said, now=self.now)
