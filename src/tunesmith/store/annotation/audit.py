"""Who changed what: append-only, for everything but labels, which are their own log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, insert, select

from tunesmith.store.annotation.tables import audit_log, users


class AuditEntry(NamedTuple):
    """One change; `user` is None for the command line."""

    time: float
    user: str | None
    action: str
    detail: Mapping[str, Any]


def record_action(
    connection: Connection, action: str, detail: Mapping[str, Any], *, user_id: int | None, now: float
) -> None:
    """Append a change; `detail` never holds a secret."""
    values = {"time": now, "user_id": user_id, "action": action, "detail": orjson.dumps(detail).decode()}
    connection.execute(insert(audit_log).values(values))


def newest_actions(connection: Connection, limit: int) -> list[AuditEntry]:
    """Return the newest changes first."""
    found = (
        select(audit_log, users.c.name)
        .outerjoin(users, users.c.id == audit_log.c.user_id)
        .order_by(audit_log.c.id.desc())
        .limit(limit)
    )
    return [AuditEntry(row.time, row.name, row.action, orjson.loads(row.detail)) for row in connection.execute(found)]
