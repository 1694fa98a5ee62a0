"""The real application over scripted models in a thread, for a real Chromium before it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from tunesmith.context.library import Library
from tunesmith.serve.app import create_app
from tunesmith.serve.chat.mount import chat_page
from tunesmith.serve.settings import ServeSettings
from tunesmith.store.conversation import harvest
from tunesmith.store.conversation.conversations import list_conversations
from tunesmith.store.conversation.feedback import FeedbackEvent, feedback_of
from tunesmith.store.conversation.replies import Reply, replies_of
from tunesmith.store.database import Database


@dataclass
class RunningChat:
    database: Database
    address: str
    models: Sequence[Any]

    @property
    def page(self) -> str:
        return f"{self.address}/chat"

    def replies(self) -> list[Reply]:
        with self.database.read() as connection:
            talks = list_conversations(connection, "local", limit=99)
            return [reply for talk in talks for reply in replies_of(connection, talk.id)]

    def feedback(self) -> list[FeedbackEvent]:
        with self.database.read() as connection:
            talks = list_conversations(connection, "local", limit=99)
            return [event for talk in talks for event in feedback_of(connection, talk.id)]

    def rankings(self, **more: Any) -> list[Any]:
        with self.database.read() as connection:
            return harvest.rankings(connection, **more).records

    def demonstrations(self) -> list[Any]:
        with self.database.read() as connection:
            return harvest.demonstrations(connection).records


@contextmanager
def running(database: Database, models: Sequence[Any], library: Library | None = None) -> Iterator[RunningChat]:
    app = create_app(ServeSettings(), models, **chat_page(database, [one.name for one in models], library))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield RunningChat(database, f"http://127.0.0.1:{listening.getsockname()[1]}", models)
        finally:
            server.should_exit = True
            thread.join(timeout=30)
            assert not thread.is_alive(), "the server does not stop"
