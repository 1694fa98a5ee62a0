"""What every request must be before a route sees it, and what every response carries.

* The Host header names this server (no DNS rebinding).
* A request that changes something is JSON, which no form can send; an Origin, where there is one, is the Host's. Where
  only the server's own pages may change anything, it also carries a header of our own, which no foreign page can send
  without being asked first.
* Bodies are small and counted while they arrive.
* A page may load scripts and styles from the server only, and nothing inline; nobody may frame it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunesmith.web.refusal import Refusal

BODY_LIMIT = 1_000_000
OWN_HEADER = "x-tunesmith"
_SAFE = ("GET", "HEAD", "OPTIONS")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`hosts`: the names the server goes by, None for any. `own_pages_only`: see above. `body_limit` is in bytes."""

    hosts: frozenset[str] | None
    own_pages_only: bool = True
    body_limit: int = BODY_LIMIT


class Guard:
    """The ASGI layer around an application; `refuse` words a refusal in the application's own form."""

    def __init__(self, app: ASGIApp, rules: Rules, refuse: Callable[[Refusal], ASGIApp]) -> None:
        self.app = app
        self.rules = rules
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on and dress the response."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return  # websockets are not spoken here

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            check_request(scope["method"], Headers(scope=scope), self.rules)
        except Refusal as error:
            await self.refuse(error)(scope, receive, dressed)
            return
        await self.app(scope, _counted(receive, self.rules.body_limit), dressed)


def check_request(method: str, headers: Headers, rules: Rules) -> None:
    """Accept a request's head.

    Raises:
        Refusal: it is for another host, from another origin, not JSON, or too large.
    """
    if rules.hosts is not None and _host_name(headers.get("host", "")) not in rules.hosts:
        raise Refusal(400, "this server does not go by that name")
    if method in _SAFE:
        return
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "the body must be application/json")
    foreign = headers.get("sec-fetch-site", "same-origin") != "same-origin"
    if foreign or (rules.own_pages_only and headers.get(OWN_HEADER) != "1"):
        raise Refusal(403, "this request did not come from the server's own pages")
    origin = headers.get("origin")
    if origin is not None and _netloc(origin) != headers.get("host", "").lower():
        raise Refusal(403, "this request came from another origin")
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or len(length) > 18 or int(length) > rules.body_limit:
        raise Refusal(413, "the body is too large")


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _counted(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise Refusal(413, "the body is too large")
        return message

    return counted
