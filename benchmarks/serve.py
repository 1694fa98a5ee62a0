"""`python -m benchmarks serve [--rounds 5] [--rows 64]`: tokens a second, seconds to the first token; 1, 8, 32 clients.

Three servers of the same folder, each in a process of its own: `tunesmith serve`, `transformers serve` where its extra
`serving` is installed (the `dev` extra brings what it needs), and a naive server that runs `model.generate` for one
request at a time. They take turns (A B C A B C), so that a change in the machine's load meets all of them. Every client
asks for the same number of tokens, streamed; the servers count what they wrote.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVING = ("transformers.cli.serve", "fastapi", "uvicorn", "openai", "accelerate", "rich")
_START_S = 300
QUESTION = "Please tell me where the order is that I placed on Monday and when the lamp and the chair will arrive"


class Load(NamedTuple):
    """One measurement: tokens a second over all clients, and the 95th percentile of seconds to the first token."""

    tokens_per_second: float
    first_token_p95: float


class Server(NamedTuple):
    """How a server is started, the path that answers once it is ready, and what it calls the model."""

    command: list[str]
    ready: str
    model: str


def servers(folder: Path, port: int) -> dict[str, Server]:
    """Return the servers that can be started here."""
    ours = [sys.executable, "-m", "tunesmith", "serve", f"model={folder}", "--port", str(port)]
    naive = [sys.executable, "-m", "benchmarks.naive_server", str(folder), str(port)]
    found = {"tunesmith": Server(ours, "/readyz", "model"), "naive": Server(naive, "/v1/models", "model")}
    missing = [name for name in _SERVING if not importlib.util.find_spec(name)]
    if missing:
        print(f"without transformers serve: {', '.join(missing)} not installed", file=sys.stderr)
        return found
    theirs = [
        str(Path(sys.executable).with_name("transformers")), "serve", str(folder), "--port", str(port),
        "--host", "127.0.0.1", "--device", "cpu", "--dtype", "float32",
    ]  # fmt: skip
    # Its /v1/models lists the hub's cache, and is an error where there is none.
    return found | {"transformers": Server(theirs, "/health", str(folder))}


@contextmanager
def started(server: Server, port: int) -> Iterator[str]:
    """Run a server and yield its address once it is ready.

    Raises:
        RuntimeError: it ended, or was not ready in time; with the last lines that it wrote.
    """
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(server.command, stdout=said, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + _START_S
            while not _ready(url + server.ready):
                if process.poll() is not None or time.monotonic() > end:
                    said.seek(0)
                    tail = "\n".join(said.read().splitlines()[-12:])
                    raise RuntimeError(f"did not start: {' '.join(server.command)}\n{tail}")
                time.sleep(0.3)
            yield url
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:  # transformers waits for requests that are open
        process.kill()
        process.wait()


def _ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


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
        for name, server in servers(folder, port).items():
            with started(server, port) as url:
                asyncio.run(load(url, server.model, clients=2, requests=4, max_tokens=8))  # warm
                for clients in (1, 8, 32):
                    n = max(clients, requests if clients > 1 else requests // 4)
                    one = asyncio.run(load(url, server.model, clients=clients, requests=n, max_tokens=max_tokens))
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
