"""Log-in, invites and passwords: argon2, and a wait that grows with each failure.

An unknown account costs as much time as a wrong password, and fails with the same words.
"""

from __future__ import annotations

import functools
import math

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection

from tunesmith.core.errors import ConfigError
from tunesmith.label.desk import Desk
from tunesmith.store.annotation import sign_in, users
from tunesmith.store.annotation.users import User
from tunesmith.web.refusal import Refusal

SESSION_SECONDS = 14 * 24 * 3600
INVITE_SECONDS = 7 * 24 * 3600
SHORTEST, LONGEST = 10, 200
FREE_TRIES = 5  # per account; an address, which a whole office may share, has ten times as many
WINDOW_SECONDS = 900
LONGEST_WAIT_SECONDS = 60
_HASHER = PasswordHasher()


def log_in(desk: Desk, name: str, password: str, address: str) -> str:
    """Return the token of a new session.

    Raises:
        Refusal: wrong name or password, or too many failures just before.
    """
    now = desk.clock()
    with desk.database.read() as connection:
        wait = _wait(connection, name, address, now)
        user = users.find_user(connection, name)
        stored = users.password_hash_of(connection, user.id) if user else None
    if wait > 0:
        raise Refusal(429, f"too many failed attempts; please wait {wait} seconds", retry_after=wait)
    right = _verify(desk, stored or _decoy(), password) and stored is not None
    with desk.database.write() as connection:
        if not right or user is None or user.disabled:
            sign_in.add_failure(connection, name, address, now=now)
            token = None
        else:
            sign_in.forget_failures(connection, name, before=now - WINDOW_SECONDS)
            token = sign_in.add_session(connection, user.id, expires_at=now + SESSION_SECONDS)
    if token is None:  # raised outside the transaction, so that the failure stays counted
        raise Refusal(401, "name or password is wrong")
    return token


def join(desk: Desk, token: str, name: str, password: str) -> str:
    """Make the user that an invite is for, and return the token of their first session.

    Raises:
        ConfigError: the password is too short or too long, or the name is not readable.
        Refusal: the invite was used or has expired.
    """
    check_password(password)
    now = desk.clock()
    with desk.database.read() as connection:
        invite = sign_in.find_invite(connection, token, now=now)
    if invite is None:
        raise Refusal(404, "this invite was used or has expired; ask for a new link")
    hashed = hash_password(desk, password)
    with desk.database.write() as connection:
        user = users.add_user(
            connection,
            name,
            role=invite.role,
            skills=invite.skills,
            candidate_of=invite.screening_id,
            password_hash=hashed,
            now=now,
        )
        sign_in.use_invite(connection, token, user.id, now=now)
        return sign_in.add_session(connection, user.id, expires_at=now + SESSION_SECONDS)


def change_password(desk: Desk, user: User, old: str, new: str) -> str:
    """Replace the password, end every session of the user, and return the token of a new one.

    Raises:
        ConfigError: the new password is too short or too long.
        Refusal: the old one is wrong.
    """
    check_password(new)
    with desk.database.read() as connection:
        stored = users.password_hash_of(connection, user.id)
    if stored is None or not _verify(desk, stored, old):
        raise Refusal(403, "the old password is wrong")
    hashed = hash_password(desk, new)
    with desk.database.write() as connection:
        users.set_password_hash(connection, user.id, hashed)
        sign_in.end_sessions(connection, user.id)
        return sign_in.add_session(connection, user.id, expires_at=desk.clock() + SESSION_SECONDS)


def check_password(password: str) -> None:
    """Accept a new password.

    Raises:
        ConfigError: it is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise ConfigError(f"a password has {SHORTEST} to {LONGEST} characters", where="password")


def hash_password(desk: Desk, password: str) -> str:
    """Return the argon2 hash of a password."""
    with desk.hashing:
        return _HASHER.hash(password)


def _verify(desk: Desk, stored: str, password: str) -> bool:
    with desk.hashing:
        try:
            return _HASHER.verify(stored, password[:LONGEST])
        except (Argon2Error, InvalidHashError):
            return False


@functools.cache
def _decoy() -> str:
    return _HASHER.hash("the password of nobody")


def _wait(connection: Connection, name: str, address: str, now: float) -> int:
    since = now - WINDOW_SECONDS
    account = sign_in.failures_of_account(connection, name, since=since)
    place = sign_in.failures_of_address(connection, address, since=since)
    return max(_wait_after(account, FREE_TRIES, now), _wait_after(place, 10 * FREE_TRIES, now))


def _wait_after(failures: sign_in.Failures, free: int, now: float) -> int:
    if failures.n < free:
        return 0
    wait: int = min(LONGEST_WAIT_SECONDS, 1 << min(10, failures.n - free + 1))
    return max(0, math.ceil(failures.newest + wait - now))
