"""A real server on a free port, with a real (tiny, random) model behind it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import torch

from tests.small import chat_tokenizer, network_of
from tunesmith.model.load import LanguageModel
from tunesmith.serve.app import Application, create_app
from tunesmith.serve.engine import BatchLimits
from tunesmith.serve.local_model import LocalModel
from tunesmith.serve.served_model import ServedModel
from tunesmith.serve.settings import Limits, ServeSettings
from tunesmith.text.chat_template import ChatTemplate
from tunesmith.web.server import make_server


class Gate:
    """Lets a model's engine take as many steps as it is told to, so that no test depends on who is faster.

    The engine waits here after it has read the prompts of newcomers: they are in the step that comes. `steps` counts
    those that it began.
    """

    def __init__(self, model: LocalModel) -> None:
        self._engine = model.engine
        self._allowed = threading.Semaphore(0)
        self._waits = False
        self._open = False
        self.steps = 0
        self._choose = model.engine._decoder.choose
        model.engine._decoder.choose = self._pass  # type: ignore[method-assign]

    def _pass(self) -> None:
        if not self._open:
            self._waits = True
            assert self._allowed.acquire(timeout=60), "nobody lets the engine go on"
            self._waits = False
        self.steps += 1
        self._choose()

    def allow(self, count: int) -> None:
        """Let the engine take this many more steps."""
        self._allowed.release(count)

    async def step(self, count: int = 1) -> None:
        """Let the engine take this many more steps, and return when it waits for the next or has nothing to do."""
        wanted = self.steps + count
        self.allow(count)
        assert await soon(lambda: self.steps >= wanted and (self._waits or not self._engine.running))

    def open(self) -> None:
        """Let the engine run from now on."""
        self._open = True
        self._allowed.release()


def pace(model: LocalModel, seconds: float) -> None:
    """Let every step of a model's engine take this long at least, as a large model's would."""
    choose = model.engine._decoder.choose

    def slowly() -> None:
        time.sleep(seconds)
        choose()

    model.engine._decoder.choose = slowly  # type: ignore[method-assign]


def tiny(*, template: bool = True, positions: int = 512) -> LanguageModel:
    """Return a two-layer chat model whose tokens hardly ever are the stop token."""
    torch.manual_seed(0)
    tokenizer = chat_tokenizer(template=template)
    network = network_of("llama", vocab_size=tokenizer.vocab_size, max_position_embeddings=positions)
    return LanguageModel(network, tokenizer, ChatTemplate(tokenizer) if template else None, {})


def local(name: str = "tiny", *, max_tokens: int = 256, batch: BatchLimits | None = None, **more: Any) -> LocalModel:
    return LocalModel(tiny(**more), name=name, folder=f"/models/{name}", max_tokens=max_tokens, batch=batch)


@contextmanager
def serving(app: Application) -> Iterator[str]:
    """Run the application and yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = make_server(app, host="127.0.0.1", port=port, grace_s=5)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


class Scene:
    """One server; `records` are the replies that it told of."""

    def __init__(self, *models: ServedModel, limits: Limits | None = None, keys: dict[str, str] | None = None) -> None:
        self.records: list[Any] = []
        self.models = models or (local(),)
        settings = ServeSettings(limits=limits or Limits(max_tokens=256), keys=keys or {})
        self.app = create_app(settings, self.models, on_reply=self.records.append)
        self.url = ""
        self.client = httpx.Client(timeout=60)  # one for all: each new one reads the certificates

    @contextmanager
    def running(self) -> Iterator[Scene]:
        with serving(self.app) as url:
            self.url = url
            try:
                yield self
            finally:
                self.client.close()
                for model in self.models:
                    model.close(2.0)

    def post(self, path: str, body: Any, **more: Any) -> httpx.Response:
        return self.client.post(f"{self.url}{path}", json=body, **more)

    def chat(self, **more: Any) -> httpx.Response:
        body = {"model": "tiny", "messages": [{"role": "user", "content": "Where is my order?"}], "seed": 1, **more}
        return self.post("/v1/chat/completions", body)


def eventually(condition: Any, *, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


async def soon(condition: Any) -> bool:
    """Return whether this becomes true; for what another thread does without being asked again."""
    return await asyncio.to_thread(eventually, condition, seconds=60.0)
