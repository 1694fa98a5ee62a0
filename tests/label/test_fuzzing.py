"""Whatever is sent to the desk, by anybody, it answers; what is wrong is refused, nothing is a defect of the server."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tunesmith.label.access import ACCESS, NOBODY
from tunesmith.label.app import build_api
from tunesmith.store.annotation import sign_in
from tunesmith.store.annotation.users import ROLES
from tunesmith.store.database import Database, open_database

from .scene import HEADERS, Caller, Scene, demonstration, new_key, prompt, ranking

# Texts that a database, a JSON reader or a template may stumble over. Lone surrogates only exist as escapes.
HOSTILE = ["", "a\x00b", "\ud800", "\ufeff\ufffe\u202e", "x" * 99_999, "' OR 1=1 -- %s%n{}"]
NUMBERS = [0, -1, 2**31, 2**63, 2**70, 1e308, 0.5, True, None]


@pytest.fixture(params=["sqlite", "postgres"])
def busy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """A desk with a task of each kind, whose first items somebody holds and has labeled."""
    postgres = request.param == "postgres"
    url = request.getfixturevalue("postgres").new_url() if postgres else str(tmp_path / "desk.db")
    database: Database = open_database(url)
    made = Scene(database)
    with made.clients:
        made.task(ranking(0), ranking(1), ranking(2), kind="rank", name="rank")
        made.task(ranking(0, k=2), ranking(1, k=2), kind="pair", name="pair")
        made.task(prompt(0), prompt(1), kind="write", name="write")
        made.task(demonstration(0), demonstration(1), kind="edit", name="edit")
        yield made
    database.close()


def send(caller: Caller, method: str, path: str, body: bytes | None) -> int:
    answer = caller.client.request(method, path, content=body, headers=HEADERS, follow_redirects=False)
    assert method == "GET" or answer.status_code < 400 or "error" in answer.json(), answer.text
    return int(answer.status_code)


def good_bodies() -> dict[str, list[dict[str, Any]]]:
    """Return bodies that are right for each route, or were if the item were held."""
    rank = {"order": [["A"], ["B", "C"]], "ratings": {"A": 7, "B": 3, "C": 3}, "flags": {"A": ["toxic"]}, "note": "n"}
    answers: list[dict[str, Any]] = [
        rank,
        {"choice": "A", "note": "n", "flags": {}},
        {"text": "An answer.", "note": "n"},
    ]
    labels = [{"key": "k" * 16, "answer": answer, "seconds": 1.5} for answer in answers]
    return {
        "/api/login": [{"name": "ann", "password": "a long password"}],
        "/api/join": [{"name": "new", "password": "a long password", "token": "t" * 43}],
        "/api/password": [{"old": "a long password", "new": "another password"}],
        "/api/items/{item_id}/label": labels,
        "/api/items/{item_id}/decision": labels,
        "/api/items/{item_id}/skip": [{"key": "k" * 16, "reason": "Why not"}],
        "/api/labels/{event_id}/undo": [{"key": "k" * 16}],
        "/api/tasks/{task_id}/settings": [{"overlap": 2, "paused": False}],
        "/api/tasks/{task_id}/guideline": [{"text": "Be kind."}],
        "/api/invites": [{"role": "labeler", "skills": ["german"]}],
        "/api/users/{user_id}/disabled": [{"disabled": False}],
    }


def spoiled(value: Any) -> Iterator[Any]:
    """Yield the value with one part of it, at any depth, replaced, doubled, left out or of another type."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield {other: it for other, it in value.items() if other != name}
            yield {**value, name + "\x00": part}
            yield from ({**value, name: one} for one in spoiled(part))
    elif isinstance(value, list):
        yield from ([], value * 30, [value], {})
        yield from ([*value[:n], one, *value[n + 1 :]] for n, part in enumerate(value) for one in spoiled(part))
    elif isinstance(value, str):
        yield from (*HOSTILE, 1, None, {}, [value])
    else:
        yield from (*NUMBERS, "1", [value], {})


def test_one_thing_wrong_is_never_a_defect(busy: Scene) -> None:
    """Every field of every body, in turn, holds what it should not; the items are held, so the answers are read."""
    ada = busy.caller("ada", "admin")
    wrong, seen = [], Counter[int]()
    for path, bodies in good_bodies().items():
        here = re.sub(r"{\w+}", "1", path)
        for n, good in enumerate(bodies):
            if n and path.startswith("/api/items"):
                busy_task = n + 1
                item = ada.post(f"/api/tasks/{busy_task}/next").json()["item"]["id"]
                here = re.sub(r"{\w+}", str(item), path)
            elif path.startswith("/api/items"):
                here = re.sub(r"{\w+}", str(ada.post("/api/tasks/1/next").json()["item"]["id"]), path)
            for body in spoiled(good):
                status = send(ada, "POST", here, json.dumps(body).encode())
                seen[status] += 1
                if status >= 500:
                    wrong.append((path, repr(body)[:200]))
    assert wrong == []
    assert seen[422] > 200 and sum(seen.values()) > 350, seen


def test_addresses_that_nobody_made_up(busy: Scene) -> None:
    ada = busy.caller("ada", "admin")
    parts = [
        "0",
        "-1",
        "2147483648",
        "9" * 40,
        "%00",
        "%ff",
        "..%2f..",
        "1%0d%0aX: y",
        "%F0%9F%98%80",
        "1.0",
        " 1",
        "x" * 5000,
    ]
    for route, part in itertools.product(ACCESS, parts):
        method, _, path = route.partition(" ")
        if "{" in path:
            assert send(ada, method, re.sub(r"{\w+}", part, path), b"{}" if method == "POST" else None) < 500, (
                route,
                part,
            )


@pytest.mark.slow
def test_five_thousand_cases_from_the_schema(busy: Scene) -> None:
    """schemathesis draws requests, right and wrong, for each operation of the schema; half of them name real items."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st
    from schemathesis import GenerationMode

    operations = [
        one.ok() for one in schemathesis.openapi.from_dict(build_api(busy.desk).openapi()).get_all_operations()
    ]
    assert {f"{one.method.upper()} {one.path}" for one in operations} == set(ACCESS)
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    cases = st.one_of([one.as_strategy(generation_mode=mode) for one in operations for mode in modes])
    callers = {role: busy.caller(role, role) for role in ROLES} | {NOBODY: busy.stranger()}
    statuses: Counter[int] = Counter()
    wrong: list[str] = []

    @settings(
        max_examples=5200,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, role=st.sampled_from(["admin", "admin", "admin", *ROLES, NOBODY]), real=st.integers(0, 9))
    def send_one(case: Any, role: str, real: int) -> None:
        path = re.sub(r"{\w+}", str(real), case.path) if 0 < real < 6 else case.formatted_path
        body = case.body if isinstance(case.body, bytes) else json.dumps(case.body, default=lambda _: None).encode()
        status = send(callers[role], case.method, path, None if case.method == "GET" else body)
        statuses[status] += 1
        if status >= 500:
            wrong.append(f"{role} {case.method} {path} {case.body!r}"[:300])
        if status in (200, 401) and role != NOBODY:
            keep_signed_in(busy, callers[role], role)

    send_one()
    print(dict(statuses))
    assert wrong == []
    assert sum(statuses.values()) >= 5000 and {200, 401, 403, 404, 409, 422} <= statuses.keys()


def keep_signed_in(scene: Scene, caller: Caller, role: str) -> None:
    """Begin a new session where one of the requests ended the old one, or locked its owner out."""
    user = scene.user(role)
    with scene.database.write() as connection:
        token = caller.client.cookies.get(scene.desk.cookie)
        if token and sign_in.session_user(connection, token, now=scene.now):
            return
        from tunesmith.store.annotation.users import set_disabled

        set_disabled(connection, user.id, False)
        token = sign_in.add_session(connection, user.id, expires_at=scene.now + 1e6)
    caller.client.cookies.clear()
    caller.client.cookies.set(scene.desk.cookie, token)


def test_a_key_with_a_label_is_stored_once(busy: Scene) -> None:
    """The fuzzing above would find nothing if no request got through: this one does."""
    ada, key = busy.caller("ada", "admin"), new_key()
    item = ada.post("/api/tasks/3/next").json()["item"]["id"]
    assert [ada.label(item, {"text": "Yes."}, key=key).status_code for _ in range(2)] == [200, 200]
