"""The decode step: rows come and go, each with settings of its own, and become what they become alone."""

from __future__ import annotations

import pytest
import torch

from tests.small import FAMILIES, network_of
from tunesmith.model.decoder import Decoder, Row
from tunesmith.model.sampling import Sampling

HOW = (
    Sampling(max_tokens=14, temperature=0.7, seed=1),
    Sampling(max_tokens=9, temperature=0, seed=2),
    Sampling(max_tokens=20, temperature=1.3, top_p=0.7, seed=3),
    Sampling(max_tokens=5, top_k=5, seed=4),
)
PROMPTS = ([5, 6, 7], [8, 9, 10, 11, 12, 13], [4], [20, 21])


def rows_of(how: Sampling, n: int = 2) -> list[Row]:
    return [Row(how, how.uniforms(0, k), likeliest=2) for k in range(n)]


def finish(decoder: Decoder) -> None:
    while decoder.rows:
        decoder.choose()
        decoder.leave(lambda row: row.done)
        if decoder.rows:
            decoder.advance()


@torch.inference_mode()
@pytest.mark.parametrize("family", FAMILIES)
def test_rows_that_join_late_become_what_they_become_alone(family: str) -> None:
    network = network_of(family)
    alone = [rows_of(how) for how in HOW]
    for prompt, rows in zip(PROMPTS, alone, strict=True):
        decoder = Decoder(network, [2])
        decoder.read([prompt], [rows])
        finish(decoder)
    together = [rows_of(how) for how in HOW]
    decoder = Decoder(network, [2], rows=0, capacity=0)
    for prompt, rows in zip(PROMPTS, together, strict=True):  # each joins three steps after the one before
        decoder.read([prompt], [rows])
        for _ in range(3):
            decoder.choose()
            decoder.leave(lambda row: row.done)
            if decoder.rows:
                decoder.advance()
    finish(decoder)
    for one, other in zip(alone, together, strict=True):
        assert [row.ids for row in one] == [row.ids for row in other]
        for a, b in zip(one, other, strict=True):
            torch.testing.assert_close(torch.tensor(a.logprobs), torch.tensor(b.logprobs), atol=1e-5, rtol=1e-5)
            assert len(a.tops) == len(a.ids) and all(len(top) == 2 for top in a.tops)


@torch.inference_mode()
def test_a_row_that_is_sent_away_does_not_disturb_the_others() -> None:
    network = network_of("llama")
    [kept] = rows_of(HOW[2], 1)
    decoder = Decoder(network, [2])
    decoder.read([PROMPTS[0]], [[kept]])
    finish(decoder)
    [again], others = rows_of(HOW[2], 1), rows_of(HOW[0], 3)
    decoder = Decoder(network, [2])
    decoder.read([PROMPTS[1], PROMPTS[0]], [others, [again]])
    decoder.choose()
    decoder.leave(lambda row: row is others[0] or row is others[2])
    decoder.advance()
    finish(decoder)
    assert again.ids == kept.ids


@torch.inference_mode()
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("length", [3, 9])  # shorter and longer than its neighbours: it stands before or behind them
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_of_nan_leaves_nothing_behind(family: str, length: int, dtype: torch.dtype) -> None:
    """Attention gives what a row may not see the weight 0, and 0 times NaN is NaN: who comes next must not meet it."""
    network = network_of(family).to(dtype)
    [alone], [later] = rows_of(HOW[1], 1), rows_of(HOW[1], 1)
    decoder = Decoder(network, [2])
    decoder.read([PROMPTS[2]], [[alone]])
    finish(decoder)

    broken = 30
    decoder = Decoder(network, [2], rows=0, capacity=0)
    embedding = network.get_input_embeddings()
    hook = embedding.register_forward_hook(
        lambda _module, ids, states: states.masked_fill((ids[0] == broken)[..., None], torch.nan)
    )
    kept = embedding.weight[broken].clone()
    if decoder._native is not None:  # it calls no module, and has a vocabulary projection of its own
        embedding.weight[broken] = torch.nan
    others = rows_of(HOW[0], 2)
    decoder.read([[broken] * length, PROMPTS[1]], [rows_of(HOW[2], 2), others])
    decoder.choose()
    hook.remove()
    embedding.weight[broken] = kept
    gone = set(decoder.rows) - set(others)
    assert len(gone) == 2 and all(row.logprobs[0] != row.logprobs[0] for row in gone)
    decoder.leave(gone.__contains__)
    decoder.advance()
    decoder.read([PROMPTS[2]], [[later]])
    finish(decoder)
    if dtype == torch.float32 or decoder._native is not None:  # PyTorch's own bf16 depends on the batch
        assert later.ids == alone.ids
        torch.testing.assert_close(torch.tensor(later.logprobs), torch.tensor(alone.logprobs), atol=1e-5, rtol=1e-5)
    assert all(logprob == logprob for row in [later, *others] for logprob in row.logprobs)


@torch.inference_mode()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_drawn_does_not_depend_on_what_is_told_about_it(family: str, dtype: torch.dtype) -> None:
    """Rows that ask for the likeliest tokens are drawn by PyTorch, others natively where that is possible."""
    network = network_of(family).to(dtype)
    ways = [Sampling(max_tokens=20, temperature=t, seed=5) for t in (1.0, 0.6, 0.0)]
    drawn = []
    for likeliest in (0, 1):
        rows = [[Row(how, how.uniforms(i, 0), likeliest) for how in ways] for i in range(3)]
        decoder = Decoder(network, [2])
        decoder.read(PROMPTS[:3], rows)
        finish(decoder)
        drawn.append([row for group in rows for row in group])
    for plain, told in zip(*drawn, strict=True):
        assert plain.ids == told.ids and not plain.tops
        torch.testing.assert_close(torch.tensor(plain.logprobs), torch.tensor(told.logprobs), atol=1e-5, rtol=1e-5)
        if plain.sampling.temperature == 0:
            assert plain.ids == [top[0][0] for top in told.tops]
