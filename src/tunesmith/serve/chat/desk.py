"""What the chat page's routes share: the database, the clock, the models that can be asked, and who is asking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import Request

from tunesmith.context.library import Library
from tunesmith.serve.service import key_of
from tunesmith.store.conversation.conversations import Conversation, get_conversation
from tunesmith.store.database import Database

LOCAL = "local"  # the owner of everything on a server without keys


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDesk:
    """`models` are names that `/v1/chat/completions` knows; `library` is its pages, if it has any."""

    database: Database
    clock: Callable[[], float]
    models: Sequence[str]
    library: Library | None = None

    def owner(self, request: Request) -> str:
        """Return whose conversations a request may see: those of its API key."""
        return key_of(request) or LOCAL

    def conversation(self, request: Request, conversation_id: str) -> Conversation:
        """Return the conversation that a request names.

        Raises:
            NoSuchThing: there is none, or it is somebody else's.
        """
        with self.database.read() as connection:
            return get_conversation(connection, conversation_id, self.owner(request))
