from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tunesmith.serve.metrics import Metrics
from tunesmith.serve.reply import Reply
from tunesmith.serve.reply_record import ReplyRecord
from tunesmith.serve.served_model import Ask, Delta, Read
from tunesmith.serve.service import Service
from tunesmith.serve.settings import Limits, ServeSettings


class SlowToStop:
    """A model, and its own answer, that takes a while to close."""

    name, model, folder, prompt_tokens, read = "slow", "slow", "/slow", 3, Read()
    created, max_length, waiting, ready, fits_context = 0, 0, 0, True, False

    def __init__(self) -> None:
        self.closes = 0

    async def start(self, ask: Ask) -> SlowToStop:
        return self

    async def deltas(self) -> AsyncIterator[Delta]:
        yield Delta(0, "yes", 1, (), "stop")

    async def close(self, grace_s: float = 0.0) -> None:
        self.closes += 1
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("steps", range(6))
def test_a_reply_whose_client_leaves_while_it_ends_is_recorded_once(steps: int) -> None:
    """The first to end it is cancelled `steps` turns of the event loop later; whoever ends it next waits for it."""
    records: list[ReplyRecord] = []
    model = SlowToStop()
    settings = ServeSettings(limits=Limits(), keys={})
    service = Service(
        settings=settings,
        models={"slow": model},  # type: ignore[dict-item]
        metrics=Metrics(),
        on_reply=records.append,
    )

    async def scenario() -> None:
        reply = Reply(service, Ask(), kind="chat", model="slow", key="")
        await reply.start()
        assert [delta.text async for delta in reply.deltas()] == ["yes"]
        first = asyncio.create_task(reply.end())
        for _ in range(steps):
            await asyncio.sleep(0)
        first.cancel()
        await reply.end()
        assert [record.id for record in records] == [reply.id]
        await reply.end()

    asyncio.run(scenario())
    assert len(records) == 1 and model.closes == 1
