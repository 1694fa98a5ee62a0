"""A desk in a thread, for a real Chromium before it."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from tunesmith.core.records import Record
from tunesmith.label.app import build_app
from tunesmith.label.desk import Desk
from tunesmith.store.annotation import items, sign_in, tasks, users
from tunesmith.store.annotation.labels import LabelEvent, label_stream
from tunesmith.store.database import Database


def chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def missing() -> str:
    """Return why there can be no browser here, or an empty text."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed"
    return "" if chromium() else "no Chromium on this machine"


@dataclass
class RunningDesk:
    desk: Desk
    address: str

    def user(self, name: str, role: users.Role = "labeler", password_hash: str | None = None) -> users.User:
        with self.desk.database.write() as connection:
            found = users.find_user(connection, name)
            return found or users.add_user(connection, name, role=role, now=time.time(), password_hash=password_hash)

    def cookie(self, name: str, role: users.Role = "labeler") -> dict[str, Any]:
        user = self.user(name, role)
        with self.desk.database.write() as connection:
            token = sign_in.add_session(connection, user.id, expires_at=time.time() + 1e6)
        return {"name": self.desk.cookie, "value": token, "url": self.address, "httpOnly": True, "sameSite": "Strict"}

    def task(self, name: str, kind: tasks.TaskKind, *records: Record) -> tasks.AnnotationTask:
        with self.desk.database.write() as connection:
            made = tasks.add_annotation_task(connection, name, kind=kind, overlap=3, now=time.time(), gold_every=0)
            items.add_items(connection, made, [items.NewItem(record=record) for record in records])
        return made

    def labels(self, task: tasks.AnnotationTask) -> list[LabelEvent]:
        with self.desk.database.read() as connection:
            return list(label_stream(connection, task.id))


@contextmanager
def running(database: Database) -> Iterator[RunningDesk]:
    desk = Desk(database=database, clock=time.time)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(build_app(desk), log_level="warning", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield RunningDesk(desk, f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join()
