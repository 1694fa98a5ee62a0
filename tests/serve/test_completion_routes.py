from __future__ import annotations

import openai
import pytest

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


@pytest.mark.parametrize("body", [{"echo": True}, {"suffix": "x"}, {"best_of": 2}, {"logprobs": 50}])
def test_what_is_not_supported_is_named(scene: Scene, body: dict[str, object]) -> None:
    answer = scene.post("/v1/completions", {"model": "tiny", "prompt": "x", **body})
    assert answer.status_code == 400 and answer.json()["error"]["param"] == next(iter(body))
