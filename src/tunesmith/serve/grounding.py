"""From a request's `context` to the pages and passages that it may draw on: only those of the server's workspace."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from tunesmith.context.library import Library, Sources
from tunesmith.core.errors import ConfigError
from tunesmith.serve.request_body import ChatBody
from tunesmith.web.refusal import Refusal


async def sources_of(body: ChatBody, library: Library | None) -> Sources | None:
    """Return what the request's context draws on; None where it has none.

    Raises:
        Refusal: the server has no workspace, or the workspace has no such page.
    """
    asked = body.context
    if asked is None:
        return None
    if not asked.pages and not asked.passages:
        return Sources()
    if library is None:
        text = "this server has no workspace of pages; it is started with --workspace DIR"
        raise Refusal(400, text, code="no_workspace", param="context")
    question = next((one.text() for one in reversed(body.messages) if one.role == "user"), "")
    try:
        return await run_in_threadpool(library.sources, question, pages=asked.pages, passages=asked.passages)
    except ConfigError as error:
        raise Refusal(400, str(error), code="no_such_page", param="context.pages") from error
