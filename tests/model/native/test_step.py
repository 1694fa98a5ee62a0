"""A native decoding step gives what the network's own forward gives, in any batch, and knows what it does not cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.small import network_of
from tunesmith.model import decoder as decoding
from tunesmith.model.decoder import Decoder, Row
from tunesmith.model.native.step import native_step
from tunesmith.model.sampling import Sampling
from tunesmith.native.library import native

from .networks import CASES, network_of_case, token_rows

pytestmark = pytest.mark.skipif(native().library is None, reason=native().why)


@torch.inference_mode()
def written(network: Any, prompts: list[list[int]], *, completions: int = 3) -> tuple[list[Tensor], list[list[int]]]:
    """Return every step's hidden states and the completions."""
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
        states.append(decoder._hidden.clone())


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


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_row_does_not_depend_on_its_neighbours_nor_on_threads(threads: int) -> None:
    """Bit for bit: a row's sums are taken in the same order whatever else is computed beside it."""
    network = network_of_case("llama")
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
    """Return the kept rows' states after one step. All prompts are read together: reading is PyTorch's."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    how = Sampling(max_tokens=4, seed=3)
    rows = [Row(how, how.uniforms(i, 0)) for i in range(len(prompts))]
    decoder = Decoder(network, [1])
    decoder.read(prompts, [[row] for row in rows])
    decoder.choose()
    decoder.leave(lambda row: not kept(rows.index(row)), in_order=True)
    torch.set_num_threads(threads)
    decoder._native = native_step(network)  # with as many threads as the test wants
    decoder.advance()
    order = [decoder.rows.index(row) for row in rows if row in decoder.rows]
    return decoder._hidden[torch.tensor(order)]


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
    assert native_step(network_of_case("llama").bfloat16()) is None
    assert native_step(network_of_case("llama", hidden_act="gelu")) is None
    assert native_step(network_of_case("llama", mlp_bias=True)) is None
    dynamic = {"rope_type": "dynamic", "rope_theta": 100.0, "factor": 2.0}
    assert native_step(network_of_case("llama", rope_parameters=dynamic)) is None
    changed = network_of_case("llama")
    layer: Any = changed.base_model.layers[1].mlp
    layer.up_proj = nn.Sequential(layer.up_proj, nn.Identity())  # as an adapter would
    assert native_step(changed) is None
