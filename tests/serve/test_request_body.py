"""Whatever comes in, the answer is a named refusal or a reply, never a failure of the server."""

from __future__ import annotations

from collections import Counter

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck

from .fuzzing import raw_requests, status_of
from .scene import Scene


def schema_of(scene: Scene):  # type: ignore[no-untyped-def]
    description = scene.app.api.openapi()
    # What must not be longer than a test: a drawn request may ask for many tokens.
    for body in description["paths"].values():
        for operation in body.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                content["schema"]["properties"]["max_tokens"] = {"type": "integer", "maximum": 3}
                content["schema"]["properties"]["model"] = {"enum": ["tiny", "other", ""]}
                content["schema"]["properties"]["n"] = {"type": "integer", "maximum": 2}
    return schemathesis.openapi.from_dict(description)


def drawn_requests(scene: Scene, examples: int) -> Counter[int]:
    """Send requests that schemathesis draws from the API's description, valid and invalid ones."""
    seen: Counter[int] = Counter()
    operations = [result.ok() for result in schema_of(scene).get_all_operations()]
    for operation in operations:
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            if mode is schemathesis.GenerationMode.NEGATIVE and operation.method.upper() != "POST":
                continue

            @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
            @hypothesis.settings(
                max_examples=examples,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[hypothesis.Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            def check(case):  # type: ignore[no-untyped-def]
                response = case.call(base_url=scene.url, timeout=30)
                seen[response.status_code] += 1
                assert response.status_code < 500, case.as_curl_command()

            check()
    return seen


def raw_statuses(scene: Scene, count: int) -> Counter[int]:
    host, port = scene.url.removeprefix("http://").split(":")
    drawn = raw_requests(count, seed=0, host=f"{host}:{port}")
    return Counter(status_of(host, int(port), request) for request in drawn)


def test_drawn_requests_never_break_the_server(scene: Scene) -> None:
    seen = drawn_requests(scene, 8)
    assert 200 in seen and 400 in seen and not any(status >= 500 for status in seen)


def test_raw_bytes_never_break_the_server(scene: Scene) -> None:
    seen = raw_statuses(scene, 300)
    assert not any(status >= 500 for status in seen)
    assert {400, 413, 415} <= set(seen), "the noise reached more than the parser"
    assert httpx.get(f"{scene.url}/readyz").status_code == 200


@pytest.mark.slow
def test_five_thousand_drawn_requests(scene: Scene) -> None:
    seen = drawn_requests(scene, 1_100)
    print("drawn requests:", dict(seen), "in all", seen.total())
    assert seen.total() >= 5_000 and not any(status >= 500 for status in seen)


@pytest.mark.slow
def test_ten_thousand_raw_byte_strings(scene: Scene) -> None:
    seen = raw_statuses(scene, 10_000)
    print("raw bytes:", dict(seen))
    assert seen.total() == 10_000 and not any(status >= 500 for status in seen)
