"""The chat page and its files. The page itself holds no text of anybody: its script asks for that as JSON."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from tunesmith.web.assets import asset_response, assets

_HERE = Path(__file__).parent


def add(router: APIRouter) -> None:
    """Add the page, its files, and the way to it from the server's root."""
    known = assets(_HERE / "static")
    page = (_HERE / "templates" / "chat.html").read_text(encoding="utf-8")

    @router.get("/chat")
    def get_chat() -> Response:
        return HTMLResponse(page)

    @router.get("/")
    def get_root() -> Response:
        return RedirectResponse("/chat", status_code=303)

    @router.get("/static/{name}")
    def get_static(name: str) -> Response:
        return asset_response(known, name)
