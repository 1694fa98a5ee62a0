"""The desk's server is killed, again and again, while labelers work: no acknowledged label is lost or doubled.

A labeler repeats a request with its key until it hears an answer, as the page does. At the end every stored label was
acknowledged and every acknowledged one is stored, and each item has exactly as many labels as it should.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from tunesmith.core.records import Completion, Message, Ranking
from tunesmith.store.annotation import items, sign_in, tasks, users
from tunesmith.store.annotation.tables import items as item_table
from tunesmith.store.annotation.tables import label_events, leases
from tunesmith.store.database import Database, open_database

ROOT = Path(__file__).parents[2]
HEADERS = {"X-Tunesmith": "1", "Content-Type": "application/json"}
PATIENCE_S = 300.0
RETRY_S = 0.2  # while a killed server starts again, its labelers should not take its processor


@dataclass
class Server:
    url: str
    journal: str
    port: int
    process: subprocess.Popen[bytes] | None = None
    kills: int = 0

    def start(self) -> None:
        words = [sys.executable, "-m", "tests.end_to_end.desk_server", self.url, str(self.port), self.journal]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        self.process = subprocess.Popen(words, cwd=ROOT, env=environment)

    def kill(self) -> None:
        assert self.process is not None and self.process.poll() is None, "the server ended by itself"
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1


@dataclass
class Crowd:
    """Labelers in threads; `acknowledged` maps each key to the event that the server said it stored."""

    port: int
    tokens: list[str]
    acknowledged: dict[str, int] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._work, args=(n, token)) for n, token in enumerate(self.tokens)]
        for thread in threads:
            thread.start()
        return threads

    def _work(self, n: int, token: str) -> None:
        draw = random.Random(n)
        try:
            cookies = {"tunesmith_session": token}
            with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", cookies=cookies, timeout=30) as client:
                while (item := self._post(client, "/api/tasks/1/next", {})["item"]) is not None:
                    self._label(client, item["id"], again=draw.random() < 0.2)
        except BaseException as error:
            self.failures.append(error)

    def _label(self, client: httpx.Client, item: int, *, again: bool) -> None:
        key = str(uuid.uuid4())
        body = {"key": key, "answer": {"choice": "A"}, "seconds": 1.0}
        event = self._post(client, f"/api/items/{item}/label", body)["event"]
        if again and self._post(client, f"/api/items/{item}/label", body)["event"] != event:
            self.doubled.append(key)
        with self.lock:
            self.acknowledged[key] = event

    def _post(self, client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                answer = client.post(path, json=body, headers=HEADERS)
            except httpx.TransportError:
                time.sleep(RETRY_S)
                continue
            if answer.status_code == 200:
                return dict(answer.json())
            assert answer.status_code == 503, answer.text
            time.sleep(RETRY_S)
        raise AssertionError(f"no answer to {path} in {PATIENCE_S} s")


def set_up(database: Database, *, n_labelers: int, n_items: int, overlap: int) -> list[str]:
    """Fill the desk and return the labelers' session tokens."""
    now = time.time()
    pair = (Completion(id="x", text="one"), Completion(id="y", text="two"))
    with database.write() as connection:
        task = tasks.add_annotation_task(connection, "t", kind="pair", overlap=overlap, now=now, gold_every=0)
        asked = (Ranking(messages=(Message("user", str(n)),), completions=pair, rankings=()) for n in range(n_items))
        items.add_items(connection, task, (items.NewItem(record=record) for record in asked))
        people = [users.add_user(connection, f"labeler {n}", role="labeler", now=now) for n in range(n_labelers)]
        return [sign_in.add_session(connection, one.id, expires_at=now + 1e6) for one in people]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def check_nothing_lost(url: str, crowd: Crowd, *, n_items: int, overlap: int) -> None:
    database = open_database(url)
    with database.read() as connection:
        stored = {row.key: row.id for row in connection.execute(select(label_events.c.key, label_events.c.id))}
        per_item = Counter(connection.execute(select(label_events.c.item_id)).scalars())
        taken = select(func.count(leases.c.slot)).where(leases.c.item_id == item_table.c.id).scalar_subquery()
        wrong = connection.execute(select(item_table.c.id).where(item_table.c.free != item_table.c.overlap - taken))
        assert wrong.all() == []
        if database.is_sqlite:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    database.close()
    lost, unheard = crowd.acknowledged.keys() - stored.keys(), stored.keys() - crowd.acknowledged.keys()
    assert (lost, unheard, crowd.doubled) == (set(), set(), [])
    assert crowd.acknowledged == stored
    assert set(per_item.values()) == {overlap} and len(per_item) == n_items


def run(url: str, journal: str, *, n_labelers: int, n_items: int, overlap: int, kill_every: int) -> int:
    """Let the labelers finish while the server dies after every `kill_every` acknowledged labels; return the kills."""
    database = open_database(url, journal=journal or None)  # type: ignore[arg-type]
    tokens = set_up(database, n_labelers=n_labelers, n_items=n_items, overlap=overlap)
    database.close()
    server = Server(url, journal, free_port())
    crowd, draw = Crowd(server.port, tokens), random.Random(0)
    server.start()
    try:
        threads, next_kill = crowd.start(), kill_every
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.01)
            if len(crowd.acknowledged) >= next_kill:
                time.sleep(draw.uniform(0, 0.03))  # somewhere inside a request
                server.kill()
                server.start()
                next_kill = len(crowd.acknowledged) + kill_every
    finally:
        assert server.process is not None
        server.process.kill()
        server.process.wait()
    assert crowd.failures == []
    check_nothing_lost(url, crowd, n_items=n_items, overlap=overlap)
    print(f"{len(crowd.acknowledged)} acknowledged labels, {server.kills} kills: none lost, none doubled")
    return server.kills


def url_of(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if backend == "postgres":
        return str(request.getfixturevalue("postgres").new_url())
    return str(tmp_path / "desk.db")


@pytest.mark.parametrize("backend", ["truncate", "postgres"])
def test_nothing_acknowledged_is_lost(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = url_of(backend, tmp_path, request)
    journal = "" if backend == "postgres" else backend
    assert run(url, journal, n_labelers=6, n_items=16, overlap=3, kill_every=16) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["truncate", "wal", "postgres"])
def test_nothing_is_lost_in_twenty_thousand_labels(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = url_of(backend, tmp_path, request)
    journal = "" if backend == "postgres" else backend
    assert run(url, journal, n_labelers=50, n_items=6700, overlap=3, kill_every=300) >= 60
