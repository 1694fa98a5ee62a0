"""A desk behind its real guard, called in-process; people have real sessions, without the cost of argon2."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from fastapi.testclient import TestClient

from tunesmith.core.records import Completion, Demonstration, Message, Prompt, Ranking, Record
from tunesmith.label.app import build_app
from tunesmith.label.desk import Desk
from tunesmith.store.annotation import items, sign_in, tasks, users
from tunesmith.store.database import Database

START = 1_800_000_000.0
HEADERS = {"X-Tunesmith": "1", "Content-Type": "application/json"}
ASKED = (Message("user", "Where is my parcel?"),)


def ranking(n: int = 0, *, k: int = 3) -> Ranking:
    completions = tuple(Completion(id=f"m{i}", text=f"answer {i} " + "x" * i, model=f"secret-{i}") for i in range(k))
    return Ranking(messages=(Message("user", f"Question {n}?"),), completions=completions, rankings=())


def prompt(n: int = 0) -> Prompt:
    return Prompt(messages=(Message("user", f"Question {n}?"),))


def demonstration(n: int = 0) -> Demonstration:
    return Demonstration(messages=(Message("user", f"Question {n}?"), Message("assistant", f"Draft {n}.")))


def new_key() -> str:
    return str(uuid.uuid4())


@dataclass
class Caller:
    """One browser."""

    client: TestClient

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.client.post(path, json={} if body is None else body, headers={**HEADERS, **more})

    def get(self, path: str) -> Any:
        return self.client.get(path, follow_redirects=False)

    def next(self, task: tasks.AnnotationTask) -> Any:
        return self.post(f"/api/tasks/{task.id}/next").json()

    def label(self, item: int, answer: Any, *, key: str | None = None, seconds: float = 5.0) -> Any:
        body = {"key": key or new_key(), "answer": answer, "seconds": seconds}
        return self.post(f"/api/items/{item}/label", body)


@dataclass
class Scene:
    database: Database
    now: float = START
    secure: bool = False
    desk: Desk = field(init=False)
    clients: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.desk = Desk(database=self.database, clock=lambda: self.now, secure=self.secure)
        self.app = build_app(self.desk)

    def user(self, name: str, role: users.Role = "labeler", skills: tuple[str, ...] = ()) -> users.User:
        with self.database.write() as connection:
            found = users.find_user(connection, name)
            return found or users.add_user(
                connection, name, role=role, skills=skills, now=self.now, password_hash="none that fits"
            )

    def stranger(self) -> Caller:
        base = "https://127.0.0.1" if self.secure else "http://127.0.0.1"
        client = TestClient(self.app, base_url=base, raise_server_exceptions=False)
        return Caller(self.clients.enter_context(client))  # one event loop for all its calls

    def caller(self, name: str, role: users.Role = "labeler", skills: tuple[str, ...] = ()) -> Caller:
        user = self.user(name, role, skills)
        with self.database.write() as connection:
            token = sign_in.add_session(connection, user.id, expires_at=self.now + 1e6)
        made = self.stranger()
        made.client.cookies.set(self.desk.cookie, token)
        return made

    def task(
        self, *records: Record, kind: tasks.TaskKind = "rank", overlap: int = 2, **more: Any
    ) -> tasks.AnnotationTask:
        with self.database.write() as connection:
            name = more.pop("name", f"a {kind} task")
            more = {"gold_every": 0, **more}
            task = tasks.add_annotation_task(connection, name, kind=kind, overlap=overlap, now=self.now, **more)
            items.add_items(connection, task, [items.NewItem(record=record) for record in records])
        return task

    def rank_answer(self, page: Any, best_first: tuple[str, ...]) -> dict[str, Any]:
        """The answer that puts the completions with these texts' beginnings in this order, with fitting ratings."""
        letters = {one["text"].split(" ")[1]: one["letter"] for one in page["item"]["completions"]}
        order = [[letters[number]] for number in best_first]
        return {"order": order, "ratings": {group[0]: 7 - place for place, group in enumerate(order)}}
