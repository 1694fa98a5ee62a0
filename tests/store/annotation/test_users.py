from __future__ import annotations

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.store.annotation import users
from tunesmith.store.problems import NoSuchThing, NotNow

from .scene import Scene


def test_a_user_comes_back(scene: Scene) -> None:
    ann = scene.user("Ann Ö", role="lead", skills=["b", "a", "a"])
    assert (ann.role, ann.skills, ann.disabled, ann.can_log_in) == ("lead", ("a", "b"), False, False)
    with scene.database.read() as connection:
        assert users.get_user(connection, ann.id) == ann
        assert users.list_users(connection) == [ann]
        with pytest.raises(NoSuchThing):
            users.get_user(connection, 99)


@pytest.mark.parametrize("name", ["", " ", "a" * 61, "a\nb", " a", "a\u202eb"])
def test_a_name_must_be_readable(scene: Scene, name: str) -> None:
    with pytest.raises(ConfigError, match="visible"), scene.database.write() as connection:
        users.add_user(connection, name, role="labeler", now=0.0)


def test_a_taken_name_is_refused_and_the_transaction_goes_on(scene: Scene) -> None:
    scene.user("ann")
    with scene.database.write() as connection:
        with pytest.raises(NotNow, match="taken"):
            users.add_user(connection, "ann", role="admin", now=0.0)
        users.add_user(connection, "bob", role="labeler", now=0.0)
    assert scene.user("bob").role == "labeler" and scene.user("ann").role == "labeler"


def test_somebody_can_log_in_only_with_a_password_and_while_not_locked_out(scene: Scene) -> None:
    ann = scene.user("ann")
    seen = []
    with scene.database.write() as connection:
        seen.append(users.someone_can_log_in(connection))
        users.set_password_hash(connection, ann.id, "hash")
        seen.append(users.someone_can_log_in(connection))
        assert users.password_hash_of(connection, ann.id) == "hash"
        users.set_disabled(connection, ann.id, True)
        seen.append(users.someone_can_log_in(connection))
    assert seen == [False, True, False]
