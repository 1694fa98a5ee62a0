from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import openai
import pytest
import torch

from tunesmith.model.attention import NAME

from .scene import Scene, eventually, tiny


@pytest.fixture
def client(scene: Scene) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{scene.url}/v1", api_key="unused", max_retries=0)


def test_prompts_as_texts_and_as_ids_say_the_same(scene: Scene, client: openai.OpenAI) -> None:
    ids = tiny().tokenizer.encode("The lamp costs")
    by_text = client.completions.create(model="tiny", prompt="The lamp costs", max_tokens=8, seed=2)
    by_ids = client.completions.create(model="tiny", prompt=ids, max_tokens=8, seed=2)
    several = client.completions.create(model="tiny", prompt=[ids, ids], max_tokens=8, seed=2, n=2)
    assert by_text.choices[0].text == by_ids.choices[0].text == several.choices[0].text == several.choices[2].text
    assert [choice.index for choice in several.choices] == [0, 1, 2, 3]
    assert scene.records[-1].id == f"{several.id}-1" and scene.records[-2].id == several.id
    assert by_text.usage is not None and by_text.usage.prompt_tokens == len(ids)


def test_a_stream_of_several_prompts(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="tiny", prompt=["a lamp", "a chair"], max_tokens=8, seed=2, logprobs=1)
    texts = ["", ""]
    tokens = 0
    for chunk in client.completions.create(
        model="tiny", prompt=["a lamp", "a chair"], max_tokens=8, seed=2, logprobs=1, stream=True
    ):
        texts[chunk.choices[0].index] += chunk.choices[0].text
        tokens += len(chunk.choices[0].logprobs.tokens or ()) if chunk.choices[0].logprobs else 0
    assert texts == [choice.text for choice in whole.choices] and tokens == 16
    logprobs = whole.choices[0].logprobs
    assert logprobs is not None and logprobs.text_offset is not None and logprobs.text_offset[0] == 0


@pytest.mark.parametrize("prompt", ["", [], [[]], [0], [-1], [10**9], ["a", ""], [1.5], {"a": 1}, [["a"]]])
def test_a_wrong_prompt_is_refused(scene: Scene, prompt: object) -> None:
    """Id 0 is the pad token: control tokens are the template's alone."""
    answer = scene.post("/v1/completions", {"model": "tiny", "prompt": prompt})
    assert answer.status_code == 400 and "error" in answer.json()
    # The prompts before the wrong one may be running by then: they are taken out before the next step.
    assert eventually(lambda: scene.models[0].engine.running == 0)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "body", [{"suffix": "x"}, {"best_of": 2}, {"logprobs": 50}, {"max_tokens": 0}, {"echo": "yes"}]
)
def test_what_is_not_supported_is_named(scene: Scene, body: dict[str, object]) -> None:
    answer = scene.post("/v1/completions", {"model": "tiny", "prompt": "x", **body})
    assert answer.status_code == 400 and answer.json()["error"]["param"] == next(iter(body))


def plain_logprobs(ids: Sequence[int]) -> torch.Tensor:
    """(L - 1, V): what transformers' own attention says of each token but the first, at temperature 1, in fp32."""
    network = tiny().network
    network.set_attn_implementation("eager")
    with torch.no_grad():
        logits = network(input_ids=torch.tensor([ids])).logits[0, :-1]
    network.set_attn_implementation(NAME)
    found: torch.Tensor = logits.log_softmax(-1)
    return found


def scored(scene: Scene, prompt: object, **more: Any) -> list[dict[str, Any]]:
    body = {"model": "tiny", "prompt": prompt, "echo": True, "logprobs": 3, "max_tokens": 1, "seed": 1, **more}
    answer = scene.post("/v1/completions", body)
    assert answer.status_code == 200, answer.text
    choices: list[dict[str, Any]] = answer.json()["choices"]
    return choices


TEXTS = ("The lamp costs thirty", "a", "Where is my order? It was to be here.", "Caf\u00e9 \u6771\u4eac, please")


@pytest.mark.parametrize("more", [{}, {"temperature": 0}, {"temperature": 0.3, "top_k": 2}, {"max_tokens": 0}])
def test_a_prompts_logprobs_are_those_of_a_plain_forward_pass(scene: Scene, more: dict[str, Any]) -> None:
    tokenizer = tiny().tokenizer
    rows = [tokenizer.encode(text) for text in TEXTS]
    written = more.get("max_tokens", 1)
    for text, ids, choice in zip(TEXTS, rows, scored(scene, rows, **more), strict=True):
        found, expected = choice["logprobs"], plain_logprobs(ids)
        assert choice["text"].startswith(text) and (choice["text"] == text or written)
        assert all(len(column) == len(ids) + written for column in found.values())
        assert found["token_logprobs"][0] is None and found["top_logprobs"][0] is None
        own = torch.tensor(found["token_logprobs"][1 : len(ids)])
        chosen = expected.gather(1, torch.tensor(ids[1:], dtype=torch.long)[:, None])[:, 0]
        torch.testing.assert_close(own, chosen, atol=1e-4, rtol=0)
        for top, row in zip(found["top_logprobs"][1 : len(ids)], expected, strict=True):
            best, index = row.topk(3)
            assert max(top.values()) == pytest.approx(float(best[0]), abs=1e-4)
            assert set(top) == {tokenizer.decode([i]) for i in index.tolist()}


def test_an_echo_of_a_text_has_offsets_into_it(scene: Scene) -> None:
    """Bytes of one character have the offset of the character."""
    text = TEXTS[3]
    [choice] = scored(scene, text, max_tokens=3)
    offsets, tokens = choice["logprobs"]["text_offset"], choice["logprobs"]["tokens"]
    own = len(tiny().tokenizer.encode(text))
    for offset, token in zip(offsets[:own], tokens[:own], strict=True):
        assert "\ufffd" in token or text[offset:].startswith(token)
    assert any("\ufffd" in token for token in tokens[:own])
    assert offsets == sorted(offsets) and offsets[own] == len(text)


def test_an_echo_streams_before_its_choice_and_is_no_completion(scene: Scene, client: openai.OpenAI) -> None:
    how: dict[str, Any] = {"prompt": ["a lamp", "a chair"], "max_tokens": 4, "seed": 2, "logprobs": 1, "n": 2}
    plain = client.completions.create(model="tiny", **how)
    whole = client.completions.create(model="tiny", echo=True, **how)
    assert [c.text for c in whole.choices] == [f"{how['prompt'][i // 2]}{c.text}" for i, c in enumerate(plain.choices)]
    assert [c.text for c in scene.records[-1].completions] == [c.text for c in plain.choices[2:]]
    assert whole.usage == plain.usage
    texts, values = [""] * 4, [list[float | None]() for _ in range(4)]
    for chunk in client.completions.create(model="tiny", echo=True, stream=True, **how):
        [choice] = chunk.choices
        texts[choice.index] += choice.text
        values[choice.index] += (choice.logprobs.token_logprobs or []) if choice.logprobs else []
    assert texts == [c.text for c in whole.choices]
    assert values == [c.logprobs.token_logprobs for c in whole.choices if c.logprobs]


def test_nothing_is_generated_where_nothing_is_asked_for(scene: Scene) -> None:
    answer = scene.post("/v1/completions", {"model": "tiny", "prompt": "a lamp", "echo": True, "max_tokens": 0}).json()
    [choice] = answer["choices"]
    assert choice["text"] == "a lamp" and choice["logprobs"] is None and choice["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 0 and scene.records[-1].completions[0].text == ""
    full = tiny().tokenizer.encode("lamp " * 600)[:512]
    assert len(scored(scene, full, max_tokens=0)[0]["logprobs"]["tokens"]) == 512
    assert scene.post("/v1/completions", {"model": "tiny", "prompt": full, "echo": True}).status_code == 400


def test_the_token_before_a_text_may_stand_there_and_nowhere_else(scene: Scene) -> None:
    tokenizer = tiny().tokenizer
    start, ids = tokenizer.start_id(), tokenizer.encode("a lamp")
    assert start is not None
    [choice] = scored(scene, [start, *ids])
    expected = plain_logprobs([start, *ids])[0, ids[0]]
    assert choice["logprobs"]["token_logprobs"][1] == pytest.approx(float(expected), abs=1e-4)
    for wrong in ([*ids, start], [start, start, *ids]):
        body = {"model": "tiny", "prompt": wrong, "echo": True}
        assert scene.post("/v1/completions", body).status_code == 400
