"""A real server on a free port, with a real (tiny, random) model behind it."""

from __future__ import annotations

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

    @contextmanager
    def running(self) -> Iterator[Scene]:
        with serving(self.app) as url:
            self.url = url
            try:
                yield self
            finally:
                for model in self.models:
                    model.close(2.0)

    def post(self, path: str, body: Any, **more: Any) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", json=body, timeout=30, **more)

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
