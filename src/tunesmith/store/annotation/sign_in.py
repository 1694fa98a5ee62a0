"""Invites, sessions and failed log-ins; of their tokens only the hashes are stored (`core/opaque_token.py`)."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, cast

import orjson
from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from tunesmith.core.opaque_token import hash_token, new_token
from tunesmith.store.annotation.tables import invites, login_failures, sessions, users
from tunesmith.store.annotation.users import Role, User, user_of
from tunesmith.store.problems import NotNow


class Invite(NamedTuple):
    """What the holder of an invite link becomes."""

    role: Role
    skills: tuple[str, ...]
    screening_id: int | None


class Failures(NamedTuple):
    """Failed log-ins within the time asked about, and when the newest was (0 without any)."""

    n: int
    newest: float


def add_invite(
    connection: Connection,
    *,
    role: Role,
    skills: Collection[str],
    created_by: int | None,
    expires_at: float,
    screening_id: int | None = None,
) -> str:
    """Store an invite for one person, a candidate where a screening is named; return its token, which is shown once."""
    token = new_token()
    values = {"token_hash": hash_token(token), "role": role, "skills": orjson.dumps(sorted(set(skills))).decode()}
    connection.execute(
        insert(invites).values(**values, created_by=created_by, expires_at=expires_at, screening_id=screening_id)
    )
    return token


def find_invite(connection: Connection, token: str, *, now: float) -> Invite | None:
    """Return what the token invites to; None where it is unknown, used or expired."""
    found = select(invites).where(
        invites.c.token_hash == hash_token(token), invites.c.used_by.is_(None), invites.c.expires_at > now
    )
    row = connection.execute(found).one_or_none()
    return None if row is None else Invite(cast(Role, row.role), tuple(orjson.loads(row.skills)), row.screening_id)


def use_invite(connection: Connection, token: str, user_id: int, *, now: float) -> None:
    """Mark the invite as used by this new user.

    Raises:
        NotNow: it was used meanwhile, or has expired.
    """
    usable = (invites.c.token_hash == hash_token(token), invites.c.used_by.is_(None), invites.c.expires_at > now)
    if connection.execute(update(invites).where(*usable).values(used_by=user_id)).rowcount != 1:
        raise NotNow("this invite was used or has expired", remedy="ask for a new link")


def add_session(connection: Connection, user_id: int, *, expires_at: float) -> str:
    """Store a session and return its token, which only the browser's cookie keeps."""
    token = new_token()
    connection.execute(insert(sessions).values(token_hash=hash_token(token), user_id=user_id, expires_at=expires_at))
    return token


def session_user(connection: Connection, token: str, *, now: float) -> User | None:
    """Return whose session this is; None where it is unknown or expired, or the user is locked out."""
    found = (
        select(users)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.token_hash == hash_token(token), sessions.c.expires_at > now, ~users.c.disabled)
    )
    row = connection.execute(found).one_or_none()
    return None if row is None else user_of(row)


def end_session(connection: Connection, token: str) -> None:
    """Forget a session."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == hash_token(token)))


def end_sessions(connection: Connection, user_id: int) -> None:
    """Forget every session of a user."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))


def add_failure(connection: Connection, account: str, address: str, *, now: float) -> None:
    """Remember a failed log-in."""
    connection.execute(insert(login_failures).values(account=hash_token(account), address=address, time=now))


def failures_of_account(connection: Connection, account: str, *, since: float) -> Failures:
    """Return the failed log-ins to this account, whether or not there is such an account."""
    return _failures(connection, login_failures.c.account == hash_token(account), since)


def failures_of_address(connection: Connection, address: str, *, since: float) -> Failures:
    """Return the failed log-ins from this address."""
    return _failures(connection, login_failures.c.address == address, since)


def _failures(connection: Connection, whose: ColumnElement[bool], since: float) -> Failures:
    found = select(func.count(), func.max(login_failures.c.time)).where(whose, login_failures.c.time >= since)
    n, newest = connection.execute(found).one()
    return Failures(n, newest or 0.0)


def forget_failures(connection: Connection, account: str, *, before: float) -> None:
    """Drop an account's failures after it logged in, and everybody's from before that time."""
    old = or_(login_failures.c.account == hash_token(account), login_failures.c.time < before)
    connection.execute(delete(login_failures).where(old))
