"""Run an application in one process until a signal ends it."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from tunesmith.core.errors import ConfigError
from tunesmith.web.hosts import address_of


class _Server(uvicorn.Server):
    """Tells the application about the signal before the connections are waited for."""

    def __init__(self, config: uvicorn.Config, on_signal: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_signal = on_signal

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._on_signal()
        super().handle_exit(sig, frame)


def make_server(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    grace_s: int | None = None,
    on_signal: Callable[[], None] = lambda: None,
) -> uvicorn.Server:
    """Return the server, not started.

    After a signal it waits `grace_s` seconds for open answers (None: as long as they take); `on_signal` runs in the
    signal's handler and must be short.
    """
    # Forwarded headers are not believed: the address that counts failed log-ins is the connection's own.
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        timeout_keep_alive=15, timeout_graceful_shutdown=grace_s, lifespan="off", ws="none", backlog=2048,
    )  # fmt: skip
    return _Server(config, on_signal)


def run_server(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    grace_s: int | None = None,
    on_signal: Callable[[], None] = lambda: None,
) -> None:
    """Answer requests until a signal ends the process; see `make_server`.

    Raises:
        ConfigError: the port is taken.
    """
    server = make_server(app, host=host, port=port, grace_s=grace_s, on_signal=on_signal)
    try:
        server.run()
    except SystemExit as error:  # how uvicorn says that it could not bind
        where = address_of(host, port).removeprefix("http://")
        raise ConfigError("the address cannot be used", where=where, remedy="try another --port") from error
