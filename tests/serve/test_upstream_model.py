"""A server in front of a server: the same answers, the same errors, and a stop that reaches the other end."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from tunesmith.core.opaque_token import hash_token
from tunesmith.make.distill.address import check_address
from tunesmith.serve.upstream_model import Upstream, UpstreamModel

from .scene import Gate, Scene, eventually, local

KEY = "ts-0123456789abcdef"
HELLO = [{"role": "user", "content": "Where is my order?"}]


def in_front_of(url: str, *, key: str = KEY, remote: str = "tiny") -> Scene:
    upstream = Upstream(address=check_address(f"{url}/v1"), key=key, timeout_s=10)
    return Scene(UpstreamModel(upstream, name="front", remote=remote))


@pytest.fixture(scope="module")
def behind() -> Iterator[Scene]:
    with Scene(local(max_tokens=250), keys={hash_token(KEY): "front"}).running() as running:
        yield running


@pytest.fixture(scope="module")
def front(behind: Scene) -> Iterator[Scene]:
    with in_front_of(behind.url).running() as running:
        yield running


def test_the_same_answers_through_the_front(behind: Scene, front: Scene) -> None:
    direct = openai.OpenAI(base_url=f"{behind.url}/v1", api_key=KEY, max_retries=0)
    through = openai.OpenAI(base_url=f"{front.url}/v1", api_key="unused", max_retries=0)
    how = {"messages": HELLO, "max_tokens": 12, "seed": 4, "n": 2, "logprobs": True, "top_logprobs": 2}
    one, two = (c.chat.completions.create(model=m, **how) for c, m in ((direct, "tiny"), (through, "front")))
    assert [c.message.content for c in one.choices] == [c.message.content for c in two.choices]
    assert [c.logprobs for c in one.choices] == [c.logprobs for c in two.choices] and one.usage == two.usage
    plain = {"prompt": ["a", "b"], "max_tokens": 5, "seed": 1, "logprobs": 1}
    one, two = (c.completions.create(model=m, **plain) for c, m in ((direct, "tiny"), (through, "front")))
    assert [c.text for c in one.choices] == [c.text for c in two.choices] and one.usage == two.usage
    assert front.records[-1].folder.startswith("tiny at http://127.0.0.1")


def test_leaving_the_front_stops_the_model_behind() -> None:
    model = local()
    gate = Gate(model)
    with Scene(model).running() as behind, in_front_of(behind.url).running() as front:
        client = openai.OpenAI(base_url=f"{front.url}/v1", api_key="unused", max_retries=0)
        gate.allow(1)
        stream = client.chat.completions.create(model="front", messages=HELLO, max_tokens=250, seed=3, stream=True)
        next(iter(stream))
        assert eventually(lambda: gate.steps == 1) and model.engine.running == 1
        stream.close()
        assert eventually(lambda: len(behind.records) == 1)  # the front left the server behind it
        gate.open()
        assert eventually(lambda: model.engine.running == 0)
        assert gate.steps == 2


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"messages": [{"role": "user", "content": "order " * 600}]}, 400, "512"),
        ({"max_tokens": 20, "n": 8}, 200, ""),
    ],
)
def test_what_the_upstream_says_of_a_request_is_passed_on(
    front: Scene, change: dict[str, object], status: int, words: str
) -> None:
    answer = front.chat(**{"model": "front", "max_tokens": 2, **change})
    assert answer.status_code == status and words in answer.text


def test_failures_of_the_upstream_are_not_the_callers(behind: Scene) -> None:
    with in_front_of(behind.url, key="ts-wrong-wrong-wrong").running() as scene:
        refused = scene.chat(model="front")
        assert refused.status_code == 502 and "wrong-wrong" not in refused.text
    with in_front_of("http://127.0.0.1:9").running() as scene:
        assert scene.chat(model="front").status_code == 502
        assert not scene.models[0].ready


def test_echo_is_refused_by_name_and_never_lost(front: Scene) -> None:
    answer = front.post("/v1/completions", {"model": "front", "prompt": "a", "echo": True, "max_tokens": 1})
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "echo"
