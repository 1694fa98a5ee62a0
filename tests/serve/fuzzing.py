"""Requests that nobody should send, drawn from a seed: bytes, almost-requests, and bodies off by a little."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterator

GOOD = {"model": "tiny", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}
PATHS = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/models",
    "/metrics",
    "/%ff%00",
    "/v1/models/%2e%2e/x",
    "/" * 50,
)


def raw_requests(count: int, *, seed: int, host: str) -> Iterator[bytes]:
    """Yield byte strings to write to the socket, from noise to requests with one thing wrong."""
    draw = random.Random(seed)
    for number in range(count):
        kind = number % 4
        if kind == 0:
            yield draw.randbytes(draw.randrange(1, 400))
            continue
        body = _body(draw)
        head = [
            f"{draw.choice(['POST', 'GET', 'PUT', 'post', 'P0ST', 'OPTIONS'])} {draw.choice(PATHS)} HTTP/1.1",
            f"Host: {host}",
            f"Content-Type: {draw.choice(['application/json', 'text/plain', 'application/json; charset=x', ''])}",
            f"Content-Length: {len(body) if kind != 3 else draw.choice([0, -1, 1, 10**9, 'x'])}",
            "Connection: close",
        ]
        if kind == 2:
            draw.shuffle(head)
            head.append(draw.randbytes(20).decode("latin-1").replace("\n", " "))
        request = "\r\n".join(head).encode("latin-1", "replace") + b"\r\n\r\n" + body
        if draw.random() < 0.2:
            at = draw.randrange(len(request))
            request = request[:at] + draw.randbytes(3) + request[at + 3 :]
        yield request


def _body(draw: random.Random) -> bytes:
    match draw.randrange(6):
        case 0:
            return draw.randbytes(draw.randrange(200))
        case 1:
            return b"[" * draw.randrange(1, 3000)
        case 2:
            return json.dumps({**GOOD, draw.choice(["n", "seed", "stop", "temperature", "zzz"]): _value(draw)}).encode()
        case 3:
            return json.dumps({**GOOD, "messages": _value(draw)}).encode()
        case 4:
            text = json.dumps(GOOD).encode()
            at = draw.randrange(len(text))
            return text[:at] + draw.randbytes(2) + text[at + 1 :]
        case _:
            return b'{"model": "tiny", "prompt": "\\ud800", "max_tokens": ' + b"9" * draw.randrange(1, 400) + b"}"


def _value(draw: random.Random) -> object:
    return draw.choice(
        [None, True, -1, 0, 1e308, 2**70, "", "\x00", "x" * 3000, [], {}, [[]], [None], {"role": "user"},
         [{"role": "user", "content": None}], [{"role": "\ufffe", "content": []}], [{"role": "tool", "content": "x"}]]
    )  # fmt: skip


def status_of(host: str, port: int, request: bytes) -> int:
    """Send bytes and return the status of the answer, 0 when the connection was closed without one."""
    with socket.create_connection((host, port), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while b"\r\n" not in answer:
            try:
                part = connection.recv(4096)
            except ConnectionResetError:
                break
            if not part:
                break
            answer += part
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else 0
