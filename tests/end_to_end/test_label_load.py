"""Fifty labelers with two thousand items each: pages stay quick, and a million labels leave in little memory."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx
import orjson
import pytest
from sqlalchemy import insert

from tunesmith.core.records import Completion, Message, Ranking, RankingLabel
from tunesmith.label.calibration import open_calibration
from tunesmith.store.annotation import items, rounds, sign_in, tables, tasks, users
from tunesmith.store.database import Database, open_database

from . import browser
from .test_label_crash import HEADERS

LABELERS, EACH = 50, 2_000
FIRST_PAGE_P95_S, EXPORT_S, EXPORT_GROWTH_MIB = 0.2, 60.0, 64.0
EXPORT = """
import resource, sys, time
from tunesmith.cli.main import main
start = time.monotonic()
assert main(["label", "export", "--db", sys.argv[1], "--to", sys.argv[2], "--out", sys.argv[3], "--quiet"]) == 0
print(time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def lease(item: int, user: int, slot: int) -> dict[str, object]:
    return {"item_id": item, "user_id": user, "slot": slot, "state": "done", "expires_at": None}


def event(item: int, user: int, slot: int, draw: random.Random) -> dict[str, object]:
    better = ["x", "y"] if draw.random() < 0.8 else ["y", "x"]
    payload = {"order": [[one] for one in better], "ratings": {}, "flags": {}, "none_acceptable": False}
    return {"key": f"{item}-{slot}", "kind": "label", "item_id": item, "user_id": user, "refers_to": None,
            "guideline_id": None, "payload": orjson.dumps(payload).decode(), "shown": '["x","y"]',
            "seconds": draw.uniform(2, 30), "time": time.time() - 3600}  # fmt: skip


def finish_rounds(database: Database, *, n_rounds: int, n_items: int) -> None:
    """Open calibration rounds in the filled task, one after the other, that every labeler answers and finishes."""
    draw, now = random.Random(1), time.time()
    pair = (Completion(id="x", text="It left on Monday."), Completion(id="y", text="No idea."))
    known = (RankingLabel(labeler="lea", order=(("x",), ("y",))),)
    with database.write() as connection:
        task = tasks.list_annotation_tasks(connection)[0]
        people = [one for one in users.list_users(connection) if one.role == "labeler"]
        for n in range(n_rounds):
            asked = [
                Ranking(messages=(Message("user", f"Round {n}, {k}?"),), completions=pair, rankings=known)
                for k in range(n_items)
            ]
            opened = open_calibration(connection, task, asked, opened_by=None, now=now).round
            for one in rounds.items_of(connection, opened.id):
                at = list(enumerate(people))
                connection.execute(insert(tables.leases), [lease(one.item_id, who.id, slot) for slot, who in at])
                said = [event(one.item_id, who.id, slot, draw) for slot, who in at]
                connection.execute(insert(tables.label_events), said)
                taken = tables.items.c.free - len(people)
                connection.execute(tables.items.update().where(tables.items.c.id == one.item_id).values(free=taken))
            for who in people:
                rounds.finish(connection, opened.id, who, now=now)


def fill(database: Database, *, n_items: int, overlap: int, n_labeled: int) -> list[str]:
    """Store a task whose first items have all their labels, from labelers in turn; return the labelers' tokens."""
    draw, now = random.Random(0), time.time()
    pair = (Completion(id="x", text="Your parcel left on Monday. " * 6), Completion(id="y", text="No idea."))
    asked = (
        Ranking(messages=(Message("user", f"Where is {n}?"),), completions=pair, rankings=()) for n in range(n_items)
    )
    with database.write() as connection:
        task = tasks.add_annotation_task(connection, "t", kind="pair", overlap=overlap, now=now, gold_every=0)
        items.add_items(connection, task, (items.NewItem(record=record) for record in asked))
        people = [users.add_user(connection, f"labeler {n:02}", role="labeler", now=now) for n in range(LABELERS)]
        tokens = [sign_in.add_session(connection, one.id, expires_at=now + 1e6) for one in people]
        leases, events = [], []
        for item in range(1, n_labeled + 1):
            for slot in range(overlap):
                user = people[(item * overlap + slot) % LABELERS].id
                leases.append(lease(item, user, slot))
                events.append(event(item, user, slot, draw))
            if len(events) >= 20_000 or item == n_labeled:
                connection.execute(insert(tables.leases), leases)
                connection.execute(insert(tables.label_events), events)
                leases.clear()
                events.clear()
        done = tables.items.c.id <= n_labeled
        connection.execute(tables.items.update().where(done).values(free=0))
    return tokens


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


@pytest.mark.slow
@pytest.mark.parametrize("n_rounds", [0, 3])
def test_pages_with_a_hundred_thousand_items(n_rounds: int, tmp_path: Path) -> None:
    """Half of the 100,000 labels are there; each labeler opens the first page and labels ten items.

    With rounds, each labeler has finished three calibration rounds of ten items before.
    """
    database = open_database(str(tmp_path / "desk.db"))
    tokens = fill(database, n_items=LABELERS * EACH, overlap=1, n_labeled=LABELERS * EACH // 2)
    finish_rounds(database, n_rounds=n_rounds, n_items=10)
    took: dict[str, list[float]] = {"first page": [], "next": [], "label": [], "lead's page": []}
    worked: dict[str, list[float]] = {name: [] for name in took}  # processor time of desk and client together
    with browser.running(database) as desk, httpx.Client(base_url=desk.address, timeout=120, headers=HEADERS) as client:

        def timed(name: str, method: str, path: str, **more: object) -> httpx.Response:
            start, began = time.monotonic(), time.process_time()
            answer = client.request(method, path, **more)  # type: ignore[arg-type]
            took[name].append(time.monotonic() - start)
            worked[name].append(time.process_time() - began)
            assert answer.status_code == 200, answer.text
            return answer

        for who, token in enumerate(tokens):
            client.cookies.set(desk.desk.cookie, token)
            for _ in range(2):
                first = timed("first page", "GET", "/")
                assert (f"How you compared in round {n_rounds}" in first.text) == (n_rounds > 0)
            for n in range(10):
                item = timed("next", "POST", "/api/tasks/1/next", json={}).json()["item"]["id"]
                body = {"key": f"labeler-{who:03}-label-{n:03}", "answer": {"choice": "A"}, "seconds": 2.0}
                timed("label", "POST", f"/api/items/{item}/label", json=body)
        client.cookies.set(desk.desk.cookie, desk.cookie("ada", "admin")["value"])
        timed("lead's page", "GET", "/tasks/1")
        timed("lead's page", "GET", "/tasks/1")
    database.close()
    for what, measured in (("wall", took), ("processor", worked)):
        print(what, {name: f"median {statistics.median(s):.3f} s, p95 {p95(s):.3f} s" for name, s in measured.items()})
    assert p95(took["first page"]) < FIRST_PAGE_P95_S
    assert p95(took["next"]) < FIRST_PAGE_P95_S and p95(took["label"]) < FIRST_PAGE_P95_S


@pytest.mark.slow
def test_a_million_labels_are_exported_in_constant_memory(tmp_path: Path) -> None:
    took = {}
    for n_items in (20_000, 200_000):
        url = str(tmp_path / f"{n_items}.db")
        database = open_database(url)
        fill(database, n_items=n_items, overlap=5, n_labeled=n_items)
        database.close()
        for shape in ("rankings", "comparisons"):
            out = tmp_path / f"{n_items}-{shape}.jsonl"
            words = [sys.executable, "-c", EXPORT, url, shape, str(out)]
            said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            seconds, mib = map(float, said.splitlines()[-1].split())
            with out.open("rb") as rows:
                assert sum(1 for _ in rows) == (n_items if shape == "rankings" else 5 * n_items)
            took[n_items, shape] = (seconds, mib)
    print({name: f"{seconds:.1f} s, {mib:.0f} MiB" for name, (seconds, mib) in took.items()})
    for shape in ("rankings", "comparisons"):
        (_, little), (seconds, much) = took[20_000, shape], took[200_000, shape]
        assert seconds < EXPORT_S and much - little < EXPORT_GROWTH_MIB
