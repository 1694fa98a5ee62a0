from __future__ import annotations

import pytest
from sqlalchemy import select

from tunesmith.store.annotation import sign_in, users
from tunesmith.store.annotation.tables import invites, sessions
from tunesmith.store.problems import NotNow

from .scene import Scene


def test_an_invite_is_used_once_and_expires(scene: Scene) -> None:
    ann, bob = scene.user("ann"), scene.user("bob")
    with scene.database.write() as connection:
        token = sign_in.add_invite(connection, role="lead", skills=["x"], created_by=ann.id, expires_at=100.0)
        assert sign_in.find_invite(connection, token, now=99.0) == ("lead", ("x",), None)
        assert sign_in.find_invite(connection, token, now=100.0) is None
        assert sign_in.find_invite(connection, token + "x", now=0.0) is None
        sign_in.use_invite(connection, token, bob.id, now=99.0)
        assert sign_in.find_invite(connection, token, now=99.0) is None
        with pytest.raises(NotNow, match="used or has expired"):
            sign_in.use_invite(connection, token, ann.id, now=99.0)


def test_a_session_ends_by_time_by_logout_and_by_lock_out(scene: Scene) -> None:
    ann = scene.user("ann")
    with scene.database.write() as connection:
        one, two, three = (sign_in.add_session(connection, ann.id, expires_at=100.0) for _ in range(3))
        assert sign_in.session_user(connection, one, now=99.0) == ann
        assert sign_in.session_user(connection, one, now=100.0) is None
        sign_in.end_session(connection, one)
        assert sign_in.session_user(connection, one, now=0.0) is None
        users.set_disabled(connection, ann.id, True)
        assert sign_in.session_user(connection, two, now=0.0) is None
        users.set_disabled(connection, ann.id, False)
        assert sign_in.session_user(connection, two, now=0.0) == ann
        sign_in.end_sessions(connection, ann.id)
        assert sign_in.session_user(connection, three, now=0.0) is None


def test_no_token_is_stored(scene: Scene) -> None:
    ann = scene.user("ann")
    with scene.database.write() as connection:
        tokens = [
            sign_in.add_session(connection, ann.id, expires_at=1.0),
            sign_in.add_invite(connection, role="labeler", skills=[], created_by=None, expires_at=1.0),
        ]
        stored = str(connection.execute(select(sessions)).all()) + str(connection.execute(select(invites)).all())
    assert not [token for token in tokens if token in stored]


def test_failures_count_by_account_and_by_address(scene: Scene) -> None:
    with scene.database.write() as connection:
        for n in range(3):
            sign_in.add_failure(connection, "ann", f"10.0.0.{n}", now=float(n))
        sign_in.add_failure(connection, "bob", "10.0.0.9", now=7.0)
        assert sign_in.failures_of_account(connection, "ann", since=1.0) == (2, 2.0)
        assert sign_in.failures_of_address(connection, "10.0.0.9", since=0.0) == (1, 7.0)
        assert sign_in.failures_of_address(connection, "elsewhere", since=0.0) == (0, 0.0)
        sign_in.forget_failures(connection, "ann", before=0.0)
        assert sign_in.failures_of_account(connection, "ann", since=0.0).n == 0
        assert sign_in.failures_of_account(connection, "bob", since=0.0).n == 1
