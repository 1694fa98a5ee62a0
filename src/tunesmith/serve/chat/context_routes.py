"""The pages of the workspace, as the chat page lists and shows them, and hints about a prompt that is being typed.

A page is looked up among those that were read when the server started; no name can reach a file. Every key that may ask
the models may read the pages: whoever starts the server chooses the folder.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from tunesmith.context.hints import hints
from tunesmith.serve.chat.desk import ChatDesk
from tunesmith.store.problems import NoSuchThing
from tunesmith.web.body import Body

HINTED_CHARACTERS = 20_000  # hints are about how something is asked; longer texts are pasted, not typed
SHOWN_CHARACTERS = 200_000


class Draft(Body):
    """What is in the message box. `first`: nothing was said before; `has_pages`: pages are pointed at."""

    text: str = Field(max_length=HINTED_CHARACTERS)
    first: bool
    has_pages: bool


class Named(Body):
    """A page by its name."""

    name: str = Field(max_length=1000)


def add(router: APIRouter, desk: ChatDesk) -> None:
    """Add the routes."""

    @router.get("/chat/api/pages")
    def get_pages() -> dict[str, Any]:
        if desk.library is None:
            return {"pages": [], "unread": []}
        workspace = desk.library.workspace
        listed = [{"name": page.name, "title": page.title} for page in workspace.pages.values()]
        unread = [{"name": problem.name, "reason": problem.reason} for problem in workspace.problems]
        return {"pages": listed, "unread": unread}

    @router.post("/chat/api/pages/text")
    def post_page_text(body: Named) -> dict[str, Any]:
        page = desk.library.workspace.pages.get(body.name) if desk.library else None
        if page is None:
            raise NoSuchThing("the workspace has no such page", where=body.name[:80])
        text = page.text
        return {
            "name": page.name,
            "title": page.title,
            "text": text[:SHOWN_CHARACTERS],
            "left_out": max(0, len(text) - SHOWN_CHARACTERS),
            "notes": list(page.notes),
        }

    @router.post("/chat/api/hints")
    def post_hints(body: Draft) -> dict[str, Any]:
        found = hints(body.text, first=body.first, has_pages=body.has_pages)
        return {"hints": [hint._asdict() for hint in found]}
