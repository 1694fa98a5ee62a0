"""People (and simulated labelers) with a role and skills."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import orjson
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tunesmith.core.errors import ConfigError
from tunesmith.store.annotation.tables import users
from tunesmith.store.problems import NoSuchThing, NotNow

Role = Literal["admin", "lead", "labeler", "viewer"]
ROLES: tuple[str, ...] = get_args(Role)
NAME_LIMIT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody known to the desk; `can_log_in` is False for labelers whose labels were imported or simulated.

    `candidate_of` is the screening that somebody takes; they may work on nothing else until they are approved.
    """

    id: int
    name: str
    role: Role
    skills: tuple[str, ...]
    disabled: bool
    can_log_in: bool
    candidate_of: int | None = None


def add_user(
    connection: Connection,
    name: str,
    *,
    role: Role,
    now: float,
    password_hash: str | None = None,
    skills: Collection[str] = (),
    candidate_of: int | None = None,
) -> User:
    """Store a new user and return it.

    Raises:
        ConfigError: the name is empty, too long, or holds characters that cannot be seen.
        NotNow: the name is taken.
    """
    if not name.strip() or name != name.strip() or len(name) > NAME_LIMIT or not name.isprintable():
        raise ConfigError(f"a name has 1 to {NAME_LIMIT} visible characters", where="name")
    values = {
        "name": name,
        "role": role,
        "password_hash": password_hash,
        "skills": orjson.dumps(sorted(set(skills))).decode(),
        "disabled": False,
        "candidate_of": candidate_of,
        "created_at": now,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(users).values(values))
    except IntegrityError as error:
        raise NotNow("this name is taken", where="name", remedy="choose another one") from error
    return cast(User, find_user(connection, name))


def find_user(connection: Connection, name: str) -> User | None:
    """Return the user of this name, or None."""
    row = connection.execute(select(users).where(users.c.name == name)).one_or_none()
    return None if row is None else user_of(row)


def get_user(connection: Connection, user_id: int) -> User:
    """Return a user.

    Raises:
        NoSuchThing: there is no such user.
    """
    row = connection.execute(select(users).where(users.c.id == user_id)).one_or_none()
    if row is None:
        raise NoSuchThing(f"there is no user {user_id}")
    return user_of(row)


def list_users(connection: Connection) -> list[User]:
    """Return everybody, by name."""
    return [user_of(row) for row in connection.execute(select(users).order_by(users.c.name))]


def someone_can_log_in(connection: Connection) -> bool:
    """Return whether there is anybody who could open the desk."""
    found = select(func.count()).select_from(users).where(users.c.password_hash.is_not(None), ~users.c.disabled)
    return bool(connection.execute(found).scalar_one())


def password_hash_of(connection: Connection, user_id: int) -> str | None:
    """Return the stored hash; None where the user cannot log in."""
    stored: str | None = connection.execute(select(users.c.password_hash).where(users.c.id == user_id)).scalar_one()
    return stored


def set_password_hash(connection: Connection, user_id: int, password_hash: str) -> None:
    """Replace a user's password."""
    connection.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))


def set_disabled(connection: Connection, user_id: int, disabled: bool) -> None:
    """Lock a user out, or let them in again; what they said stays stored."""
    connection.execute(update(users).where(users.c.id == user_id).values(disabled=disabled))


def user_of(row: Any) -> User:
    """Return the user of a row of `users`."""
    return User(
        id=row.id,
        name=row.name,
        role=row.role,
        skills=tuple(orjson.loads(row.skills)),
        disabled=row.disabled,
        can_log_in=row.password_hash is not None,
        candidate_of=row.candidate_of,
    )
