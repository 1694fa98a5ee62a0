"""From the engine's thread to the request's: deltas that wait, merged, until they are read.

The engine never waits for a reader. What can pile up is bounded by the ask itself: `n` times `max_tokens` tokens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from threading import Lock

from tunesmith.serve.served_model import Delta
from tunesmith.web.refusal import Refusal


class Outbox:
    """Made on the event loop; `put` and `fail` may be called from any thread, then `wake_all` wakes the readers."""

    def __init__(self, choices: int) -> None:
        self.loop = asyncio.get_running_loop()
        self._lock = Lock()
        self._waiting: list[Delta] = []
        self._left = choices
        self._failure: Refusal | None = None
        self._ready = asyncio.Event()

    def put(self, delta: Delta) -> None:
        """Add a delta, to the last one of the same choice if that has not been read yet."""
        with self._lock:
            for index in range(len(self._waiting) - 1, -1, -1):
                if self._waiting[index].choice == delta.choice:
                    self._waiting[index] = _joined(self._waiting[index], delta)
                    return
            self._waiting.append(delta)

    def fail(self, why: Refusal) -> None:
        """Let the reader raise this after what came before it."""
        with self._lock:
            self._failure = why

    def wake(self) -> None:
        """Let the reader look; on the event loop only."""
        self._ready.set()

    async def read(self) -> AsyncIterator[Delta]:
        """Yield deltas until every choice has finished.

        Raises:
            Refusal: what `fail` was given.
        """
        while self._left:
            await self._ready.wait()
            self._ready.clear()
            with self._lock:
                found, self._waiting = self._waiting, []
                failure = self._failure
            for delta in found:
                self._left -= delta.finish is not None
                yield delta
            if failure is not None and self._left:
                raise failure


def _joined(first: Delta, second: Delta) -> Delta:
    return Delta(
        first.choice,
        first.text + second.text,
        first.tokens + second.tokens,
        first.logprobs + second.logprobs,
        second.finish,
    )


def wake_all(boxes: Iterable[Outbox]) -> None:
    """Wake the readers of these boxes, with one call for each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Outbox]] = {}
    for box in boxes:
        by_loop.setdefault(box.loop, []).append(box)
    for loop, own in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_wake, own)


def _wake(boxes: list[Outbox]) -> None:
    for box in boxes:
        box.wake()
