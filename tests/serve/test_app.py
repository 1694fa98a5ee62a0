"""The door: who may come in, how much they may bring, and what they are told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
from fastapi import APIRouter, Request

from tunesmith.core.errors import ConfigError
from tunesmith.core.opaque_token import hash_token
from tunesmith.serve.app import create_app
from tunesmith.serve.service import key_of, service_of
from tunesmith.serve.settings import Limits, ServeSettings

from .scene import Gate, Scene, eventually, local, serving

KEY = "ts-0123456789abcdef"
BODY = {"model": "tiny", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}


@pytest.fixture(scope="module")
def guarded() -> Iterator[Scene]:
    limits = Limits(max_tokens=400, per_key=1, body_bytes=5_000)
    with Scene(local(max_tokens=400), limits=limits, keys={hash_token(KEY): "ann"}).running() as running:
        yield running


def test_everything_but_health_needs_the_key(guarded: Scene) -> None:
    for path in ("/v1/models", "/metrics", "/no/such/path"):
        answer = httpx.get(guarded.url + path)
        assert answer.status_code == 401 and answer.json()["error"]["code"] == "invalid_api_key", path
    wrong = {"Authorization": f"Bearer {KEY}x"}
    assert guarded.post("/v1/chat/completions", BODY, headers=wrong).status_code == 401
    assert httpx.get(guarded.url + "/healthz").status_code == httpx.get(guarded.url + "/readyz").status_code == 200
    assert guarded.post("/v1/chat/completions", BODY, headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
    assert guarded.records[-1].key == "ann"


def test_a_key_has_so_many_requests_at_once(guarded: Scene) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    with guarded.app.service.admitted("ann"):  # a request that is under way
        refused = guarded.post("/v1/chat/completions", BODY, headers=headers)
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["type"] == "rate_limit_error"
    assert guarded.post("/v1/chat/completions", BODY, headers=headers).status_code == 200


def test_the_server_has_so_many_requests_at_once() -> None:
    with Scene(limits=Limits(max_tokens=8, open_replies=2)).running() as scene:
        with scene.app.service.admitted(""):  # one is under way
            assert scene.post("/v1/chat/completions", BODY).status_code == 200
            with scene.app.service.admitted("ann"):
                refused = scene.post("/v1/chat/completions", BODY)
        assert refused.status_code == 503 and int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["code"] == "server_busy"
        assert scene.post("/v1/chat/completions", BODY).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
def test_other_sites_cannot_use_a_server_on_loopback(scene: Scene, headers: dict[str, str], status: int) -> None:
    answer = scene.post("/v1/chat/completions", BODY, headers=headers)
    assert answer.status_code == status and set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_large_body_is_cut_off_whatever_it_claims(guarded: Scene) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    for content in (b"x" * 6_000, iter([b"x" * 1_000] * 6)):
        answer = httpx.post(f"{guarded.url}/v1/chat/completions", content=content, headers=headers)
        assert answer.status_code == 413 and answer.json()["error"]["message"] == "the body is too large"


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    with Scene(limits=Limits(body_s=0.2)).running() as scene:
        host, port = scene.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as slow:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
            slow.sendall(f"{head}Content-Length: 50\r\n\r\n{{".encode())
            assert b"408" in slow.recv(200)


def test_the_state_routes(scene: Scene) -> None:
    assert httpx.get(f"{scene.url}/v1/models").json()["data"][0] == httpx.get(f"{scene.url}/v1/models/tiny").json()
    assert httpx.get(f"{scene.url}/v1/models/other").status_code == 404
    scene.chat(max_tokens=3)
    page = httpx.get(f"{scene.url}/metrics").text
    for name in ("requests_total", "tokens_total", "queue_depth", "first_token_seconds_bucket", "open_replies"):
        assert f"tunesmith_{name}" in page
    assert 'tunesmith_requests_total{route="chat",status="200"}' in page and "tunesmith_open_replies 0.0" in page


def test_other_routers_share_the_service() -> None:
    router = APIRouter()

    @router.get("/page/names")
    def names(request: Request) -> dict[str, object]:
        return {"models": list(service_of(request).models), "key": key_of(request)}

    model = local()
    settings = ServeSettings(keys={hash_token(KEY): "ann"})
    for open_paths, status in (((), 401), (("/page/",), 200)):
        with serving(create_app(settings, [model], routers=[router], open_paths=open_paths)) as url:
            assert httpx.get(f"{url}/page/names").status_code == status
            told = httpx.get(f"{url}/page/names", headers={"Authorization": f"Bearer {KEY}"}).json()
            assert told == {"models": ["tiny"], "key": "ann"}
    model.close(1.0)


def test_two_models_of_one_name_are_refused() -> None:
    first, second = local(), local()
    with pytest.raises(ConfigError, match="different names"):
        create_app(ServeSettings(), [first, second])
    first.close(0.0)
    second.close(0.0)


def test_a_record_that_cannot_be_stored_does_not_take_the_reply(caplog: pytest.LogCaptureFixture) -> None:
    def full(_record: object) -> None:
        raise OSError("disk full")

    model = local()
    with serving(create_app(ServeSettings(), [model], on_reply=full)) as url:
        assert httpx.post(f"{url}/v1/chat/completions", json=BODY).status_code == 200
        assert "tunesmith_record_failures_total 1.0" in httpx.get(f"{url}/metrics").text
    assert "disk full" in caplog.text
    model.close(1.0)


def test_a_stopping_server_finishes_what_is_under_way_and_refuses_the_rest() -> None:
    model = local(max_tokens=200)
    gate = Gate(model)
    with Scene(model).running() as scene:
        said: list[int] = []
        thread = threading.Thread(target=lambda: said.append(scene.chat(max_tokens=200).status_code))
        thread.start()
        assert eventually(lambda: model.engine.running == 1)
        scene.app.service.draining = True
        refused = scene.chat()
        assert refused.status_code == 503 and "retry-after" in refused.headers
        assert httpx.get(f"{scene.url}/readyz").status_code == 503
        gate.open()
        thread.join()
        assert said == [200]
