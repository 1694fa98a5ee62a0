"""Check a teacher's address before anything is sent to it: http or https, and no way into a private network.

A loopback address that the user wrote as such ("localhost", "127.0.0.1") is theirs to use. Any other name must resolve
to public addresses only, unless the user allows local ones: a name in a shared configuration must not make this
machine ask its neighbours.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tunesmith.core.errors import ConfigError

Resolve = Callable[[str, int], Sequence[str]]


class Address(NamedTuple):
    """A checked address: the URL without a trailing slash, and the IP addresses that the name stood for."""

    url: str
    host: str
    ips: tuple[str, ...]


class Pinned(NamedTuple):
    """The URL with a checked IP address in it, and what keeps the name for the server and for TLS."""

    url: str
    headers: dict[str, str]
    extensions: dict[str, Any]


def pin(address: Address) -> Pinned:
    """Return how to reach exactly the machine that was checked: a second look-up of the name could lead elsewhere."""
    parts = urlsplit(address.url)
    ip = address.ips[0]
    host = f"[{ip}]" if ":" in ip else ip
    port = f":{parts.port}" if parts.port else ""
    headers = {"Host": parts.netloc, "Content-Type": "application/json"}
    extensions = {"sni_hostname": address.host} if parts.scheme == "https" else {}
    return Pinned(f"{parts.scheme}://{host}{port}{parts.path}", headers, extensions)


def resolve_name(host: str, port: int) -> list[str]:
    """Return the IP addresses of a name.

    Raises:
        OSError: the name is unknown.
    """
    return sorted({str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})


def check_address(url: str, *, allow_local: bool = False, resolve: Resolve = resolve_name) -> Address:
    """Return the address after checking it.

    Raises:
        ConfigError: not http or https, a user name or key inside, an unknown name, or a private address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise ConfigError("is not an address", where="teacher.address", why=str(error)) from error
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError("must be an http or https address", where="teacher.address", why=f"given {parts.scheme!r}")
    if parts.username or parts.password or parts.query or parts.fragment:
        why = "it would be logged with the address"
        remedy = "put the key into an environment variable and name it in teacher.key_variable"
        raise ConfigError("must hold no key, query or fragment", where="teacher.address", why=why, remedy=remedy)
    try:
        ips = tuple(resolve(host, port))
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"cannot find {host!r}", where="teacher.address", why=str(error)) from error
    if not allow_local and not _is_loopback_name(host):
        closed = [ip for ip in ips if not _is_public(ip)]
        if closed or not ips:
            why = f"{host} is {', '.join(closed) or 'nowhere'}"
            remedy = "give --allow-local if that machine is meant"
            raise ConfigError("is a private address", where="teacher.address", why=why, remedy=remedy)
    return Address(url.rstrip("/"), host, ips)


def _is_loopback_name(host: str) -> bool:
    """Return whether the user wrote the loopback itself, and not a name that happens to lead there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_public(ip: str) -> bool:
    address = ipaddress.ip_address(ip.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_global and not mapped.is_multicast)
