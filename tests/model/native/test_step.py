"""A native decoding step gives what the network's own forward gives, in any batch, and knows what it does not cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.small import network_of
from tunesmith.model import decoder as decoding
from tunesmith.model.attention import NAME
from tunesmith.model.cache import KeyValueCache
from tunesmith.model.decoder import Decoder, Row
from tunesmith.model.generate import generate
from tunesmith.model.native.step import native_step
from tunesmith.model.sampling import Sampling
from tunesmith.native.library import native

from .networks import CASES, network_of_case, token_rows

pytestmark = pytest.mark.skipif(native().library is None, reason=native().why)


@torch.inference_mode()
def written(network: Any, prompts: list[list[int]], *, completions: int = 3) -> tuple[list[Tensor], list[list[int]]]:
    """Return every step's hidden states, in the prompts' order, and the completions."""
    how = Sampling(max_tokens=20, seed=3)
    rows = [[Row(how, how.uniforms(i, k)) for k in range(completions)] for i in range(len(prompts))]
    decoder = Decoder(network, [1])
    decoder.read(prompts, rows)
    states = []
    while True:
        decoder.choose()
        if all(row.done for row in decoder.rows):
            return states, [row.ids for group in rows for row in group]
        decoder.advance()
        order = [decoder.rows.index(row) for group in rows for row in group]
        states.append(decoder._hidden[torch.tensor(order)])


@pytest.mark.parametrize("case", CASES)
def test_it_gives_what_the_networks_own_forward_gives(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_of_case(case)
    prompts = token_rows(3, 17, 40, 9, 25)
    assert native_step(network) is not None
    fast, fast_ids = written(network, prompts)
    monkeypatch.setattr(decoding, "native_step", lambda network: None)
    plain, plain_ids = written(network, prompts)
    assert fast_ids == plain_ids
    for one, other in zip(fast, plain, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_row_does_not_depend_on_its_neighbours_nor_on_threads(threads: int, dtype: torch.dtype) -> None:
    """Bit for bit: a row's sums are taken in the same order whatever else is computed beside it."""
    network = network_of_case("llama").to(dtype)
    prompts = token_rows(*range(3, 33))
    before = torch.get_num_threads()
    everyone = states_of(network, prompts, lambda row: True)
    try:
        torch.set_num_threads(threads)
        for index in (0, 7, 29):
            alone = states_of(network, prompts, lambda row, index=index: row == index)  # type: ignore[misc]
            assert torch.equal(alone[0], everyone[index])
    finally:
        torch.set_num_threads(before)


@torch.inference_mode()
def states_of(network: Any, prompts: list[list[int]], kept: Callable[[int], bool]) -> Tensor:
    """Return the kept rows' states after the prompt and two steps, in which the others are not there."""
    how = Sampling(max_tokens=4, seed=3)
    rows = [Row(how, how.uniforms(i, 0)) for i in range(len(prompts))]
    mine = [i for i in range(len(prompts)) if kept(i)]
    decoder = Decoder(network, [1])
    decoder.read([prompts[i] for i in mine], [[rows[i]] for i in mine])
    for _ in range(2):
        decoder.choose()
        decoder.advance()
    order = [decoder.rows.index(row) for row in rows if row in decoder.rows]
    return decoder._hidden[torch.tensor(order)]


def references(network: Any, prompts: list[list[int]], more: list[list[int]]) -> list[Tensor]:
    """Return the class's own states at the last prompt token and after each of the tokens written then."""
    network.set_attn_implementation("eager")
    found = []
    for prompt, written in zip(prompts, more, strict=True):
        ids = torch.tensor([prompt + written])
        found.append(network.base_model(input_ids=ids).last_hidden_state[0, len(prompt) - 1 :].float())
    network.set_attn_implementation(NAME)
    return found


@torch.inference_mode()
def step_states(network: Any, prompts: list[list[int]], more: list[list[int]]) -> list[Tensor]:
    """Return the native step's states at the same places."""
    step = native_step(network)
    assert step is not None
    cache = KeyValueCache(rows=len(prompts), capacity=max(map(len, prompts)) + len(more[0]))
    ends = torch.tensor([len(p) for p in prompts]).cumsum(0) - 1
    states = [step.read(prompts, cache)[ends]]
    for tokens in zip(*more, strict=True):
        states.append(step(torch.tensor(tokens), cache))
        cache.advance()
    return list(torch.stack(states, dim=1))


def distance(one: list[Tensor], other: list[Tensor]) -> tuple[float, float]:
    """Return the largest and the mean difference, over the largest number."""
    gaps = torch.cat([(a - b).abs().flatten() for a, b in zip(one, other, strict=True)])
    scale = max(float(b.abs().max()) for b in other)
    return float(gaps.max()) / scale, float(gaps.mean()) / scale


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("under_autocast", [False, True])
def test_bf16_is_closer_to_exact_sums_than_pytorchs_bf16(case: str, under_autocast: bool) -> None:
    """Against fp32 arithmetic on the same bf16 weights: within 2 %, and on average not farther than PyTorch's bf16."""
    exact = network_of_case(case).bfloat16().float()
    prompts, more = token_rows(3, 17, 40, 9, 25), token_rows(12, 12, 12, 12, 12, seed=1)
    with torch.inference_mode():
        wanted = references(exact, prompts, more)
        plain = references(network_of_case(case).bfloat16(), prompts, more)
    with torch.autocast("cpu", torch.bfloat16, enabled=under_autocast):
        found = step_states(exact if under_autocast else network_of_case(case).bfloat16(), prompts, more)
    largest, mean = distance(found, wanted)
    assert 1e-5 < mean <= distance(plain, wanted)[1]
    assert largest < 0.02, (largest, distance(plain, wanted))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_prompt_of_many_tokens_is_read_in_pieces(dtype: torch.dtype) -> None:
    network = network_of_case("qwen3").to(dtype)
    prompts, more = token_rows(7, 600, 30), token_rows(3, 3, 3, seed=1)
    together, [alone] = step_states(network, prompts, more), step_states(network, prompts[1:2], more[1:2])
    assert torch.equal(together[1], alone)


def test_a_cache_that_grows_while_rows_are_written_stays_right() -> None:
    network = network_of_case("qwen2")
    short, long = token_rows(5, 90)
    how = Sampling(max_tokens=12, seed=1)
    results = []
    for late in (False, True):
        rows = [[Row(how, how.uniforms(i, 0))] for i in range(2)]
        with torch.inference_mode():
            decoder = Decoder(network, [1])
            decoder.read([short], [rows[0]])
            if not late:
                decoder.read([long], [rows[1]])
            for _ in range(2):
                decoder.choose()
                decoder.advance()
            if late:
                decoder.read([long], [rows[1]])
            while not all(row.done for row in decoder.rows):
                decoder.choose()
                decoder.advance()
        results.append([group[0].ids for group in rows])
    assert results[0] == results[1]


def test_what_it_does_not_cover_goes_through_pytorch() -> None:
    assert native_step(network_of("gpt2")) is None
    assert native_step(network_of("gemma")) is None
    assert native_step(network_of_case("llama").half()) is None
    assert native_step(network_of_case("llama", hidden_act="gelu")) is None
    assert native_step(network_of_case("llama", mlp_bias=True)) is None
    dynamic = {"rope_type": "dynamic", "rope_theta": 100.0, "factor": 2.0}
    assert native_step(network_of_case("llama", rope_parameters=dynamic)) is None
    changed = network_of_case("llama")
    layer: Any = changed.base_model.layers[1].mlp
    layer.up_proj = nn.Sequential(layer.up_proj, nn.Identity())  # as an adapter would
    assert native_step(changed) is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_steps_in_one_call_write_what_single_steps_write(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that end at different places, by their limit or a stop token, greedy ones and hot ones among them."""
    network = network_of_case("llama").to(dtype)
    prompts = token_rows(*range(3, 20))
    ways = [Sampling(max_tokens=n, temperature=t, seed=n) for n, t in ((2, 1.0), (9, 0.0), (14, 0.7), (30, 2.0))]
    calls: list[int] = []
    single = Decoder.choose
    monkeypatch.setattr(Decoder, "choose", lambda self: (calls.append(1), single(self))[1])
    together = generate(network, prompts, stop_ids=[5, 40, 77], sampling=ways, batch_rows=24)
    few = len(calls)
    monkeypatch.setattr(Decoder, "choose_on", Decoder.choose)
    apart = generate(network, prompts, stop_ids=[5, 40, 77], sampling=ways, batch_rows=24)
    assert together == apart
    assert few < len(calls[few:]) / 2
    endings = {row.finished for group in together for row in group}
    assert endings == {True, False}
    assert {row.ids[-1] for group in together for row in group if row.finished} >= {5, 40, 77}
