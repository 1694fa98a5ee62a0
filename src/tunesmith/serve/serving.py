"""Run a server: check that it is safe to open, answer until a signal, and stop without losing what is under way."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

from tunesmith.core.errors import ConfigError
from tunesmith.serve.app import Application
from tunesmith.web.hosts import LOOPBACK, known_hosts
from tunesmith.web.server import run_server


def allowed_hosts(host: str, public_url: str | None, keys: Mapping[str, str]) -> frozenset[str] | None:
    """Return the names by which the server may be called; None, any name, where keys guard another address.

    Raises:
        ConfigError: others can reach the address and there is no key.
    """
    names = known_hosts(host, public_url)
    if host in LOOPBACK and public_url is None:
        return names
    if not keys:
        where = f"--host {host}" if public_url is None else f"--public-url {public_url}"
        remedy = "make a key: tunesmith serve --key-file keys.txt --new-key NAME"
        raise ConfigError("needs an API key", where=where, why="anybody could use the models", remedy=remedy)
    return names if public_url is not None else None


def serve(app: Application, *, host: str, port: int) -> None:
    """Answer requests until a signal ends the process.

    After the signal, new requests are refused and those under way have `limits.grace_s` seconds; what is not complete
    then is cut and says so.

    Raises:
        ConfigError: the port is taken.
    """
    service = app.service
    grace = service.settings.limits.grace_s

    def close_models(grace_s: float) -> None:
        with ThreadPoolExecutor(len(service.models)) as pool:
            for model in service.models.values():
                pool.submit(model.close, grace_s)

    def stop() -> None:
        service.draining = True
        Thread(target=close_models, args=(grace,), daemon=True).start()

    try:
        run_server(app, host=host, port=port, grace_s=int(grace) + 10, on_signal=stop)
    finally:
        close_models(0.0)
