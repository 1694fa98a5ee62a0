"""Responses that notice when their client goes away or stops reading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

CLIENT_LEFT = 499  # nginx's number: nobody sees it but the log and the metrics


class EventStream(Response):
    """Server-sent events. `events` yields whole events; `close` is awaited at the end, whatever the end is.

    A client that does not read for `stall_s` seconds is cut off.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes], *, stall_s: float, close: Callable[[], Awaitable[None]]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events
        self._stall_s = stall_s
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end or the client is gone."""
        try:
            await _first(asyncio.create_task(self._pump(send)), receive)
        finally:
            await self._close()

    async def _pump(self, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for event in self._events:
                # Not wait_for: in Python 3.11 it may swallow the cancellation that ends this task.
                async with asyncio.timeout(self._stall_s):
                    await send({"type": "http.response.body", "body": event, "more_body": True})
            async with asyncio.timeout(self._stall_s):
                await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            return  # whoever does not read is not told either


DONE = b"data: [DONE]\n\n"


def event(body: Any) -> bytes:
    """Return one server-sent event."""
    return b"data: " + orjson.dumps(body) + b"\n\n"


async def while_connected(request: Request, work: Coroutine[Any, Any, Response]) -> Response:
    """Return the work's response; when the client leaves before, the work is cancelled."""
    task = asyncio.create_task(work)
    finished = await _first(task, request.receive)
    return task.result() if finished else Response(status_code=CLIENT_LEFT)


async def _first(task: asyncio.Task[Any], receive: Receive) -> bool:
    """Wait until the task ends or the client is gone, then cancel whichever is left; returns whether the task ended."""
    watcher = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        finished = task.done()
        watcher.cancel()
        task.cancel()
        await asyncio.gather(task, watcher, return_exceptions=True)
    if finished:
        task.result()  # an exception of the work is the caller's
    return finished


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
