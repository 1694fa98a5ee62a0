"""What every route of the desk shares: the database, the clock, and how it is reached."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import Request

from tunesmith.label.agreement_cache import AgreementCache
from tunesmith.store.annotation.users import User
from tunesmith.store.database import Database
from tunesmith.web.hosts import LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """`hosts` are the names by which browsers may call the desk; `secure` is True where they come by https."""

    database: Database
    clock: Callable[[], float]
    hosts: frozenset[str] = frozenset(LOOPBACK)
    secure: bool = False
    # Hashing a password takes 64 MiB on purpose; a crowd at the door waits here instead of filling the memory.
    hashing: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(2))
    agreement: AgreementCache = field(default_factory=AgreementCache)

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
