"""What every request must be before a route sees it, and what every response carries.

* The Host header names this desk (no DNS rebinding).
* A request that changes something comes from the desk's own pages: it is JSON with a header of our own, which no form
  and no foreign page can send without being asked first, and an Origin, where there is one, is the Host's.
* Bodies are small and counted while they arrive.
* A page may load scripts and styles from the desk only, and nothing inline; nobody may frame it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunesmith.label.refusals import Refusal, refuse

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


class Guard:
    """The ASGI layer around the desk."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self.app = app
        self.hosts = hosts

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
            check_request(scope["method"], Headers(scope=scope), self.hosts)
        except Refusal as error:
            await refuse(error.status, str(error))(scope, receive, dressed)
            return
        await self.app(scope, _counted(receive), dressed)


def check_request(method: str, headers: Headers, hosts: frozenset[str]) -> None:
    """Accept a request's head.

    Raises:
        Refusal: it is for another host, from another origin, not JSON, or too large.
    """
    if _host_name(headers.get("host", "")) not in hosts:
        raise Refusal(400, "this desk does not go by that name")
    if method in _SAFE:
        return
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "the body must be application/json")
    if headers.get(OWN_HEADER) != "1" or headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Refusal(403, "this request did not come from the desk's own pages")
    origin = headers.get("origin")
    if origin is not None and _netloc(origin) != headers["host"].lower():
        raise Refusal(403, "this request came from another origin")
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or len(length) > 18 or int(length) > BODY_LIMIT:
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


def _counted(receive: Receive) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY_LIMIT:
            raise Refusal(413, "the body is too large")
        return message

    return counted
