"""Run the desk: one process, loopback unless there are users."""

from __future__ import annotations

import time
from collections.abc import Callable

from tunesmith.core.errors import ConfigError
from tunesmith.label.app import build_app
from tunesmith.label.desk import Desk
from tunesmith.label.lead_routes import new_invite
from tunesmith.store.annotation.users import someone_can_log_in
from tunesmith.store.database import Database
from tunesmith.web.hosts import LOOPBACK, known_hosts
from tunesmith.web.server import run_server


def prepare(database: Database, *, host: str, public_url: str | None) -> Desk:
    """Return the desk to serve.

    Raises:
        ConfigError: the address can be reached by others and nobody can log in yet, or the public URL is not one.
    """
    hosts = known_hosts(host, public_url)
    with database.read() as connection:
        ready = someone_can_log_in(connection)
    if (host not in LOOPBACK or public_url is not None) and not ready:
        raise ConfigError(
            "nobody can log in yet",
            where=f"--host {host}" if public_url is None else f"--public-url {public_url}",
            why="whoever came first could make themselves admin",
            remedy="start once without it, on this machine, and make the first admin",
        )
    secure = public_url is not None and public_url.startswith("https:")
    return Desk(database=database, clock=time.time, hosts=hosts, secure=secure)


def first_invite(desk: Desk) -> str | None:
    """Return the path by which the first admin joins; None where somebody can log in already."""
    with desk.database.read() as connection:
        if someone_can_log_in(connection):
            return None
    return f"/join/{new_invite(desk, 'admin', [], user_id=None)}"


def serve(desk: Desk, *, host: str, port: int, log: Callable[[str], None]) -> None:
    """Answer requests until a signal ends the process.

    Raises:
        ConfigError: the port is taken.
    """
    run_server(build_app(desk), host=host, port=port)
    log("stopped; everything that was acknowledged is stored")
