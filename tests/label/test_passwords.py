from __future__ import annotations

import pytest
from sqlalchemy import select

from tunesmith.label import passwords
from tunesmith.store.annotation import users
from tunesmith.store.annotation.tables import users as user_table
from tunesmith.web.refusal import Refusal

from .scene import Scene

PASSWORD = "a long password"


@pytest.fixture
def ann(scene: Scene) -> users.User:
    hashed = passwords.hash_password(scene.desk, PASSWORD)
    with scene.database.write() as connection:
        return users.add_user(connection, "ann", role="labeler", now=0.0, password_hash=hashed)


def tries(scene: Scene, n: int, name: str = "ann", address: str = "a") -> list[int]:
    seen = []
    for _ in range(n):
        with pytest.raises(Refusal) as refusal:
            passwords.log_in(scene.desk, name, "wrong password", address)
        seen.append(refusal.value.status)
    return seen


def test_the_right_password(scene: Scene, ann: users.User) -> None:
    assert passwords.log_in(scene.desk, "ann", PASSWORD, "a")


@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_failures_are_slowed_whether_or_not_there_is_such_a_user(scene: Scene, ann: users.User, name: str) -> None:
    assert tries(scene, 7, name) == [401] * 5 + [429] * 2
    scene.now += 2
    assert tries(scene, 2, name) == [401, 429]
    scene.now += 61
    assert tries(scene, 1, name) == [401]


def test_while_slowed_even_the_right_password_waits_and_then_clears_the_count(scene: Scene, ann: users.User) -> None:
    tries(scene, 6)
    with pytest.raises(Refusal, match="wait 2 seconds"):
        passwords.log_in(scene.desk, "ann", PASSWORD, "elsewhere")
    scene.now += 2
    assert passwords.log_in(scene.desk, "ann", PASSWORD, "elsewhere")
    assert tries(scene, 1) == [401]


def test_of_many_tries_few_reach_the_password(scene: Scene, ann: users.User) -> None:
    """One try every 2 s for 20 minutes: the wait grows to a minute, so few of the 600 are looked at."""
    reached = 0
    verify, passwords._verify = passwords._verify, lambda *_: False  # type: ignore[assignment]
    try:
        for _ in range(600):
            scene.now += 2
            try:
                passwords.log_in(scene.desk, "ann", "x", "a")
            except Refusal as refusal:
                reached += refusal.status == 401
    finally:
        passwords._verify = verify
    assert 10 < reached < 40


def test_a_locked_out_user_cannot_log_in(scene: Scene, ann: users.User) -> None:
    with scene.database.write() as connection:
        users.set_disabled(connection, ann.id, True)
    with pytest.raises(Refusal, match="name or password"):
        passwords.log_in(scene.desk, "ann", PASSWORD, "a")


def test_only_argon2_is_stored(scene: Scene, ann: users.User) -> None:
    with scene.database.read() as connection:
        [stored] = connection.execute(select(user_table.c.password_hash)).scalars()
    assert stored.startswith("$argon2id$") and PASSWORD not in stored
