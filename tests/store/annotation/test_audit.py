from __future__ import annotations

import pytest
from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError

from tunesmith.store.annotation import audit
from tunesmith.store.annotation.tables import audit_log

from .scene import Scene


def test_the_newest_change_comes_first_and_none_can_be_removed(scene: Scene) -> None:
    ann = scene.user("ann")
    with scene.database.write() as connection:
        audit.record_action(connection, "added a task", {"name": "x"}, user_id=None, now=1.0)
        audit.record_action(connection, "raised overlap", {"to": 3}, user_id=ann.id, now=2.0)
        newest, oldest = audit.newest_actions(connection, 10)
        assert newest == (2.0, "ann", "raised overlap", {"to": 3}) and oldest.user is None
        assert len(audit.newest_actions(connection, 1)) == 1
    with pytest.raises(DBAPIError, match="append-only"), scene.database.write() as connection:
        connection.execute(delete(audit_log))
