from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate
from time import time

import pytest

from tunesmith.core.records import Message
from tunesmith.make.distill.address import check_address
from tunesmith.make.distill.endpoint import Endpoint, Patience
from tunesmith.make.teacher import Decoding, Reply, TeacherError

from .fake_server import FakeServer, said

HELLO = (Message("user", "Hello"),)
KEY = "sk-very-secret-123456"


class Opened:
    def __init__(self, server: FakeServer, **patience: float) -> None:
        self.pauses: list[float] = []
        times = {"timeout_s": 5.0, "attempts": 4, "first_pause_s": 1.0, "longest_pause_s": 8.0, **patience}
        self.endpoint = Endpoint(
            check_address(server.url),
            "tiny",
            key=KEY,
            patience=Patience(**times),  # type: ignore[arg-type]
            sleep=self.pauses.append,
            jitter=lambda: 1.0,
        )

    def reply(self) -> Reply:
        return self.endpoint.reply(HELLO, Decoding(max_tokens=7, seed=3))


@pytest.fixture
def opened(server: FakeServer) -> Iterator[Opened]:
    made = Opened(server)
    yield made
    made.endpoint.close()


def test_the_request_and_the_reply(server: FakeServer, opened: Opened) -> None:
    assert opened.reply() == Reply("You said: Hello", "stop", 10)
    assert server.bodies == [
        {
            "model": "tiny",
            "messages": [{"role": "user", "content": "Hello"}],
            "temperature": 0.7,
            "top_p": 1.0,
            "max_tokens": 7,
            "seed": 3,
        }
    ]
    assert server.headers[0]["path"] == "/v1/chat/completions" and server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert server.headers[0]["Host"] == server.url.split("/")[2]
    assert KEY not in opened.endpoint.name and opened.pauses == []


def test_retries_double_their_pauses(server: FakeServer, opened: Opened) -> None:
    server.script((500, "oops", {}), (503, "", {}), (429, "", {}), said("At last."))
    assert opened.reply().text == "At last." and opened.pauses == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_kept_to(server: FakeServer, opened: Opened, form: str) -> None:
    value = "30" if form == "seconds" else formatdate(time() + 30, usegmt=True)
    server.script((429, "", {"Retry-After": value}), said("Yes."))
    assert opened.reply().text == "Yes." and opened.pauses[0] == pytest.approx(30, abs=2)


@pytest.mark.parametrize("value", ["soon", "nan", "-5", "1e99"])
def test_a_strange_retry_after_does_no_harm(server: FakeServer, opened: Opened, value: str) -> None:
    server.script((429, "", {"Retry-After": value}), said("Yes."))
    assert opened.reply().text == "Yes." and 0 <= opened.pauses[0] <= 80


BROKEN = [
    "{",
    "[]",
    '{"choices": []}',
    '{"choices": [{"message": {}}]}',
    '{"choices": [{"message": {"content": 3}}]}',
    "null",
]


@pytest.mark.parametrize("body", BROKEN)
def test_broken_answers_are_tried_again_and_then_named(server: FakeServer, opened: Opened, body: str) -> None:
    server.script((200, body, {}))
    with pytest.raises(TeacherError, match="4 times") as caught:
        opened.reply()
    assert len(server.bodies) == 4 and not caught.value.fatal


def test_a_time_out_is_tried_again(server: FakeServer) -> None:
    server.slow_s = 1.0
    made = Opened(server, timeout_s=0.1, attempts=2)
    with pytest.raises(TeacherError, match="no answer in time, 2 times"):
        made.reply()
    made.endpoint.close()


def test_nobody_there() -> None:
    made = Opened(FakeServer(url="http://127.0.0.1:1/v1"), attempts=2)
    with pytest.raises(TeacherError, match="no connection"):
        made.reply()
    made.endpoint.close()


@pytest.mark.parametrize(("status", "fatal"), [(401, True), (403, True), (404, True), (400, False), (302, False)])
def test_a_refusal_is_not_tried_again_and_never_shows_the_key(
    server: FakeServer, opened: Opened, status: int, fatal: bool
) -> None:
    server.script((status, {"error": {"message": f"bad key {KEY}"}}, {"Location": "http://169.254.169.254/"}))
    with pytest.raises(TeacherError) as caught:
        opened.reply()
    assert caught.value.fatal == fatal and len(server.bodies) == 1
    assert KEY not in str(caught.value) and "***" in str(caught.value)


def test_nothing_said_is_empty_and_a_flood_is_cut(server: FakeServer, opened: Opened) -> None:
    server.script(said(None, finish="tool_calls", tokens=0), (200, "x" * (8 * 2**20 + 1), {}))
    assert opened.reply() == Reply("", "unknown", 0)
    with pytest.raises(TeacherError, match="bytes"):
        opened.reply()
