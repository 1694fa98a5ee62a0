from __future__ import annotations

import json

import pytest
from starlette.datastructures import Headers

from tests.label.scene import HEADERS, Scene
from tunesmith.web.guard import BODY_LIMIT, Rules, check_request
from tunesmith.web.refusal import Refusal

RULES = Rules(hosts=frozenset({"127.0.0.1", "localhost", "::1", "label.example.org"}))
GOOD = {"host": "127.0.0.1:8765", "content-type": "application/json", "x-tunesmith": "1"}


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "[::1]:8765", "LABEL.example.org"])
def test_our_own_names(host: str) -> None:
    check_request("POST", Headers({**GOOD, "host": host}), RULES)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "[::1", "a:b:c"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_names_are_refused(host: str, method: str) -> None:
    with pytest.raises(Refusal, match="name"):
        check_request(method, Headers({**GOOD, "host": host}), RULES)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "multipart/form-data; boundary=x"}, 415),
        ({"x-tunesmith": ""}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"content-length": str(BODY_LIMIT + 1)}, 413),
        ({"content-length": "-1"}, 413),
        ({"content-length": "9" * 5000}, 413),
    ],
)
def test_a_request_from_elsewhere_changes_nothing(change: dict[str, str], status: int) -> None:
    with pytest.raises(Refusal) as refusal:
        check_request("POST", Headers({**GOOD, **change}), RULES)
    assert refusal.value.status == status


def test_the_own_page_may() -> None:
    check_request("POST", Headers({**GOOD, "origin": "http://127.0.0.1:8765", "sec-fetch-site": "same-origin"}), RULES)


def test_every_answer_carries_the_headers(scene: Scene) -> None:
    for path in ("/login", "/static/desk.js", "/no/such/page", "/"):
        headers = scene.stranger().get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff" and "cache-control" in headers


def test_a_large_body_is_cut_off_whatever_it_claims(scene: Scene) -> None:
    body = (b"x" * 100_000 for _ in range(20))
    answer = scene.stranger().client.post("/api/login", content=body, headers=HEADERS)
    assert answer.status_code in {400, 413}


BODIES = [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"name": "\\ud800", "password": "x"}',
        b'{"name": NaN, "password": 1e999}',
        b"[" * 50_000, b'{"name": ' + b"9" * 10_000 + b"}", b'{"name": "a", "password": "b", "more": 1}',
        json.dumps({"name": "a\x00b", "password": "x" * 201}).encode(),
]  # fmt: skip


def test_malformed_bodies_are_the_callers_fault(scene: Scene) -> None:
    caller = scene.stranger()
    for body in BODIES:
        answer = caller.client.post("/api/login", content=body, headers=HEADERS)
        assert 400 <= answer.status_code < 500 and "Traceback" not in answer.text, body[:40]
