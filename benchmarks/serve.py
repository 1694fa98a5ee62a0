"""`python -m benchmarks serve`: tokens a second and time to the first token at 1, 8 and 32 clients, side by side.

Three servers of the same folder, each in a process of its own: `tunesmith serve`, `transformers serve` where its extra
is installed, and a naive server that runs `model.generate` for one request at a time. They take turns (A B C A B C),
so that a change in the machine's load meets all of them. Every client asks for the same number of tokens, streamed;
the servers count what they wrote.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import socket
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = "Please tell me where the order is that I placed on Monday and when the lamp and the chair will arrive"


class Load(NamedTuple):
    """One measurement: tokens a second over all clients, and the 95th percentile of seconds to the first token."""

    tokens_per_second: float
    first_token_p95: float


def commands(folder: Path, port: int) -> dict[str, list[str]]:
    """Return how each server is started."""
    found = {
        "tunesmith": [sys.executable, "-m", "tunesmith", "serve", f"model={folder}", "--port", str(port)],
        "naive": [sys.executable, "-m", "benchmarks.naive_server", str(folder), str(port)],
    }
    if importlib.util.find_spec("transformers.cli.serve") and importlib.util.find_spec("fastapi"):
        found["transformers"] = [
            str(Path(sys.executable).with_name("transformers")), "serve", str(folder), "--port", str(port),
            "--host", "127.0.0.1", "--device", "cpu", "--dtype", "float32",
        ]  # fmt: skip
    return found


@contextmanager
def started(command: list[str], port: int) -> Iterator[str]:
    """Run a server and yield its address once it answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 180
        while True:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"did not start: {' '.join(command)}")
            try:
                if httpx.get(f"http://127.0.0.1:{port}/v1/models", timeout=5).status_code < 500:
                    break
            except httpx.HTTPError:
                time.sleep(0.3)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


async def load(url: str, model: str, *, clients: int, requests: int, max_tokens: int) -> Load:
    """Let `clients` ask `requests` times in all."""
    left = list(range(requests))
    words = QUESTION.split()
    firsts: list[float] = []
    tokens = 0
    async with httpx.AsyncClient(timeout=600, limits=httpx.Limits(max_connections=None)) as client:

        async def one() -> None:
            nonlocal tokens
            while left:
                number = left.pop()
                text = " ".join(words[number % 7 :] + words[: number % 5])
                body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}]}
                body |= {"max_tokens": max_tokens, "temperature": 1.0, "seed": number, "stream": True}
                body["stream_options"] = {"include_usage": True}
                began = time.perf_counter()
                first = None
                async with client.stream("POST", f"{url}/v1/chat/completions", json=body) as response:
                    response.raise_for_status()
                    async for line in response.aiter_lines():
                        found = json.loads(line[5:]) if line.startswith("data:") and "[DONE]" not in line else {}
                        said = [choice["delta"].get("content") for choice in found.get("choices") or ()]
                        first = first or (time.perf_counter() - began if any(said) else None)
                        tokens += (found.get("usage") or {}).get("completion_tokens", 0)
                firsts.append(first or time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(clients)))
        seconds = time.perf_counter() - began
    firsts.sort()
    return Load(tokens / seconds, firsts[min(len(firsts) - 1, int(0.95 * len(firsts)))])


def measure(folder: Path, *, repeats: int, max_tokens: int, requests: int) -> dict[str, dict[int, list[Load]]]:
    """Return every measurement by server and number of clients."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found: dict[str, dict[int, list[Load]]] = {}
    for _ in range(repeats):
        for name, command in commands(folder, port).items():
            model = str(folder) if name == "transformers" else "model"
            with started(command, port) as url:
                asyncio.run(load(url, model, clients=2, requests=4, max_tokens=8))  # warm
                for clients in (1, 8, 32):
                    n = max(clients, requests if clients > 1 else requests // 4)
                    one = asyncio.run(load(url, model, clients=clients, requests=n, max_tokens=max_tokens))
                    found.setdefault(name, {}).setdefault(clients, []).append(one)
    return found


def table(found: dict[str, dict[int, list[Load]]]) -> list[str]:
    """Return the medians as lines."""
    lines = [f"{'server':<14}{'clients':>8}{'tokens/s':>12}{'first token p95':>18}"]
    for name, by_clients in found.items():
        for clients, loads in by_clients.items():
            rate = statistics.median(one.tokens_per_second for one in loads)
            first = statistics.median(one.first_token_p95 for one in loads)
            lines.append(f"{name:<14}{clients:>8}{rate:>12,.0f}{first:>16.3f} s")
    return lines
