"""Who may ask: API keys, of which only the SHA-256 is kept.

A key is 256 random bits, so its hash needs no salt and no slow function. Everything asks for a key where there are
keys, but what is declared open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.core.opaque_token import hash_token, new_token
from tunesmith.formats.atomic import replacing
from tunesmith.web.refusal import Refusal

OPEN_PATHS = ("/healthz", "/readyz")
SHORTEST_KEY = 16
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")


class KeyCheck:
    """The ASGI layer that asks for a key and notes its name in the scope."""

    def __init__(
        self,
        app: ASGIApp,
        names: Callable[[str], str | None],
        open_paths: Collection[str],
        refuse: Callable[[Refusal], ASGIApp],
    ) -> None:
        self.app = app
        self.names = names
        self.open_paths = tuple(open_paths)
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        name = self.names(_bearer(Headers(scope=scope)))
        if name is None and not self._is_open(scope["path"]):
            error = Refusal(401, "give a valid API key as `Authorization: Bearer KEY`", code="invalid_api_key")
            await self.refuse(error)(scope, receive, send)
            return
        await self.app({**scope, "tunesmith.key": name or ""}, receive, send)

    def _is_open(self, path: str) -> bool:
        return any(path == one or (one.endswith("/") and path.startswith(one)) for one in self.open_paths)


def _bearer(headers: Headers) -> str:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def keys_of(plain: Iterable[tuple[str, str]], file: Path | None) -> dict[str, str]:
    """Return the hash -> name of (name, key) pairs and of a key file's lines, `NAME SHA256`.

    Raises:
        ConfigError: a key is too short to be one.
        DataError: the file has a line that is not one.
    """
    found = {}
    for name, key in plain:
        if len(key) < SHORTEST_KEY or not key.isascii() or " " in key:
            why = f"a key has at least {SHORTEST_KEY} ASCII characters and no space"
            raise ConfigError("is no API key", where=name, why=why, remedy="make one with --new-key NAME")
        found[hash_token(key)] = name
    return found | (_read(file) if file is not None else {})


def _read(file: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or not _NAME.fullmatch(words[0]) or not _HASH.fullmatch(words[1]):
            raise DataError("is not a line `NAME SHA256`", where=f"{file}:{number}")
        found[words[1]] = words[0]
    return found


def add_key(file: Path, name: str) -> str:
    """Make a key, add its hash to the file, and return the key, which is kept nowhere.

    Raises:
        ConfigError: the name is taken or has other characters than letters, digits, `.`, `_` and `-`.
    """
    known = _read(file) if file.exists() else {}
    if not _NAME.fullmatch(name) or name in known.values():
        raise ConfigError("is taken, or is no name for a key", where=f"--new-key {name[:80]}")
    key = f"ts-{new_token()}"
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    with replacing(file) as out:
        out.write(f"{old}{'' if old.endswith(chr(10)) or not old else chr(10)}{name} {hash_token(key)}\n".encode())
    return key
