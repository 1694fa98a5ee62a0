"""The names under which a server answers."""

from __future__ import annotations

from urllib.parse import urlsplit

from tunesmith.core.errors import ConfigError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def known_hosts(host: str, public_url: str | None) -> frozenset[str]:
    """Return the host names under which the server answers, without ports.

    Raises:
        ConfigError: the public URL is not one.
    """
    names = {*LOOPBACK, host.lower()}
    if public_url is not None:
        parts = urlsplit(public_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            remedy = "write it as https://tunesmith.example.org"
            raise ConfigError("not the address of a server", where=f"--public-url {public_url}", remedy=remedy)
        names.add(parts.hostname.lower())
    return frozenset(names)


def address_of(host: str, port: int) -> str:
    """Return the http address of a host and port."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
