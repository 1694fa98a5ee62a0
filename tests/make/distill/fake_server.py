"""A small OpenAI-compatible server in a thread, whose answers a test scripts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# (status, body, headers); a body that is no text is sent as JSON
Response = tuple[int, Any, dict[str, str]]


def said(text: str | None, *, finish: str = "stop", tokens: int = 10) -> Response:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return 200, {"choices": [choice], "usage": {"total_tokens": tokens}}, {}


def echo(body: dict[str, Any]) -> Response:
    return said(f"You said: {body['messages'][-1]['content']}")


@dataclass
class FakeServer:
    answer: Callable[[dict[str, Any]], Response] = echo
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    slow_s: float = 0.0
    url: str = ""
    most_at_once: int = 0
    _now: int = 0

    def script(self, *responses: Response) -> None:
        """Answer with these in turn; the last one again and again."""
        left = list(responses)
        self.answer = lambda body: left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def serving() -> Iterator[FakeServer]:
    fake, lock = FakeServer(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                fake.bodies.append(data)
                fake.headers.append({"path": self.path, **dict(self.headers.items())})
                fake._now += 1
                fake.most_at_once = max(fake.most_at_once, fake._now)
                status, body, headers = fake.answer(data)
            time.sleep(fake.slow_s)
            with lock:
                fake._now -= 1
            payload = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            try:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(payload)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(payload)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client did not wait

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
