"""A crowd at the door: bursts, disconnects and slow readers, over real connections."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import httpx
import psutil
import pytest

from tests.serve.scene import Scene, eventually, local, pace
from tunesmith.serve.engine import BatchLimits
from tunesmith.serve.settings import Limits

BODY = {"model": "tiny", "messages": [{"role": "user", "content": "Where is my order?"}], "stream": True}


def crowd_scene(
    *, rows: int = 16, queue: int = 32, open_replies: int = 64, stall_s: float = 30.0, step_s: float = 0.0
) -> Scene:
    model = local(max_tokens=400, batch=BatchLimits(rows=rows, queue=queue))
    if step_s:
        pace(model, step_s)
    return Scene(model, limits=Limits(max_tokens=400, open_replies=open_replies, queue=queue, stall_s=stall_s))


async def leave_early(scene: Scene, count: int, *, at_once: int) -> int:
    """Start streams and leave each after its first event; returns the most steps that ran on with nobody there."""
    engine = scene.models[0].engine  # type: ignore[attr-defined]
    limit = asyncio.Semaphore(at_once)
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None)) as client:

        async def one() -> None:
            async with limit, client.stream("POST", f"{scene.url}/v1/chat/completions", json=BODY) as response:
                async for line in response.aiter_lines():
                    if line.startswith("data:"):
                        return

        await asyncio.gather(*(one() for _ in range(count)))
    end, before = time.monotonic() + 5, engine.steps
    while (engine.running or engine.waiting) and time.monotonic() < end:
        await asyncio.sleep(0.001)
    assert not engine.running and not engine.waiting
    return int(engine.steps - before)


async def burst(scene: Scene, clients: int, seconds: float) -> Counter[int]:
    """Let clients ask again and again; returns how often each status came."""
    seen: Counter[int] = Counter()
    end = time.monotonic() + seconds
    body = {**BODY, "stream": False, "max_tokens": 8}
    # Not httpx's pool: it costs more than the server with hundreds of connections.
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None)) as client:

        async def one() -> None:
            while True:
                response = await client.post(f"{scene.url}/v1/chat/completions", json=body)
                seen[response.status_code] += 1
                if response.status_code != 200:
                    assert int(response.headers["retry-after"]) >= 1
                    await asyncio.sleep(0.5)
                if time.monotonic() > end:
                    return

        await asyncio.gather(*(one() for _ in range(clients)))
    return seen


async def read_nothing(scene: Scene) -> asyncio.StreamWriter:
    """Ask for a long stream and do not read it."""
    host, port = scene.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port), limit=1)
    body = httpx.Request("POST", scene.url, json={**BODY, "max_tokens": 400, "n": 8}).content
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    return writer


def test_those_who_leave_stop_their_generation() -> None:
    with crowd_scene(step_s=0.005).running() as scene:
        assert asyncio.run(leave_early(scene, 12, at_once=6)) < 100
        assert eventually(lambda: len(scene.records) == 12)
        # A model with random weights may end a reply by itself before its client is gone.
        assert sum(record.completions[0].finish is None for record in scene.records) >= 6


def test_beyond_the_limit_is_503_and_nothing_else() -> None:
    with crowd_scene(rows=2, queue=3, open_replies=6, step_s=0.005).running() as scene:
        seen = asyncio.run(burst(scene, 30, 0.0))
    assert set(seen) == {200, 503} and seen.total() >= 30


def test_who_does_not_read_holds_nobody_up() -> None:
    with crowd_scene(rows=8).running() as scene:

        async def scenario() -> int:
            silent = await read_nothing(scene)
            status = (await asyncio.to_thread(scene.chat, max_tokens=4)).status_code
            silent.close()
            return status

        assert asyncio.run(scenario()) == 200
        assert eventually(lambda: scene.app.service.open_replies.total() == 0, seconds=10)


@pytest.mark.slow
def test_a_thousand_disconnects() -> None:
    with crowd_scene(rows=32, queue=200, open_replies=400).running() as scene:
        left = asyncio.run(leave_early(scene, 1_000, at_once=100))
        print("steps after the last one left:", left)
        assert eventually(lambda: len(scene.records) == 1_000, seconds=20), len(scene.records)
        tokens = [record.completions[0].tokens for record in scene.records]
        print("tokens written for each:", sorted(tokens)[500], "median,", max(tokens), "most, of 400")
        assert eventually(lambda: scene.app.service.open_replies.total() == 0)  # counted down after the record


@pytest.mark.slow
def test_ten_minutes_with_two_hundred_clients_after_a_burst_of_a_thousand() -> None:
    process = psutil.Process()
    with crowd_scene(rows=32, queue=64, open_replies=128).running() as scene:
        first = asyncio.run(burst(scene, 1_000, 0.0))
        asyncio.run(burst(scene, 200, 10.0))
        before = process.memory_info().rss / 2**20
        seen = asyncio.run(burst(scene, 200, 600.0))
        after = process.memory_info().rss / 2**20
        scene.records.clear()
    print("burst of 1,000:", dict(first), "| 200 clients, 600 s:", dict(seen), f"| {before:.0f} -> {after:.0f} MiB")
    assert set(first) | set(seen) <= {200, 429, 503}
    assert after - before < 40
