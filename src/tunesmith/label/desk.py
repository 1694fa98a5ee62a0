"""What every route of the desk shares: the database, the clock, and how it is reached."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import Request

from tunesmith.core.errors import ConfigError
from tunesmith.store.annotation.users import User
from tunesmith.store.database import Database

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """`hosts` are the names by which browsers may call the desk; `secure` is True where they come by https."""

    database: Database
    clock: Callable[[], float]
    hosts: frozenset[str] = frozenset(LOOPBACK)
    secure: bool = False
    # Hashing a password takes 64 MiB on purpose; a crowd at the door waits here instead of filling the memory.
    hashing: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(2))

    @property
    def cookie(self) -> str:
        """The session cookie's name; browsers accept a `__Host-` cookie only over https and for one host."""
        return "__Host-tunesmith" if self.secure else "tunesmith_session"


def desk_of(request: Request) -> Desk:
    """Return the desk that this request came to."""
    desk: Desk = request.app.state.desk
    return desk


def user_of(request: Request) -> User:
    """Return who asks; routes that anybody may call must not use it."""
    user: User = request.state.user
    return user


def known_hosts(host: str, public_url: str | None) -> frozenset[str]:
    """Return the host names under which the desk answers, without ports.

    Raises:
        ConfigError: the public URL is not one.
    """
    names = {*LOOPBACK, host.lower()}
    if public_url is not None:
        parts = urlsplit(public_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            remedy = "write it as https://label.example.org"
            raise ConfigError("not the address of a desk", where=f"--public-url {public_url}", remedy=remedy)
        names.add(parts.hostname.lower())
    return frozenset(names)
