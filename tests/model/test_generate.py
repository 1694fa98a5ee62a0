"""The generator: greedy and sampled, batched and alone, against the trainer's forward pass and transformers' own."""

from __future__ import annotations

import pytest
import torch
from transformers import PreTrainedModel

from tests.small import FAMILIES, network_of
from tunesmith.core.errors import ConfigError
from tunesmith.data.batch import TokenSequence, pack
from tunesmith.model import decoder
from tunesmith.model.attention import NAME
from tunesmith.model.generate import Sampling, generate, sample, stream
from tunesmith.model.native.step import native_step
from tunesmith.model.network import target_logprobs

PROMPTS = [[5, 6, 7], [8, 9, 10, 11, 12, 13], [4]]


@pytest.mark.parametrize("family", FAMILIES)
def test_logprobs_as_sampled_equal_the_trainers(family: str) -> None:
    """T-RL-23 within one process: generator and trainer at the same weights."""
    network = network_of(family)
    for temperature in (1.0, 0.7):
        sampling = Sampling(max_tokens=12, temperature=temperature, seed=3)
        for prompt, row in zip(PROMPTS, generate(network, PROMPTS, stop_ids=[2], sampling=sampling), strict=True):
            mask = [False] * len(prompt) + [True] * len(row[0].ids)
            batch = pack([TokenSequence(prompt + row[0].ids, mask, "")])
            trained = target_logprobs(network, batch, temperature=temperature).logprobs
            torch.testing.assert_close(trained, torch.tensor(row[0].logprobs), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_equals_transformers_generate(family: str) -> None:
    network = network_of(family)
    ours = generate(network, PROMPTS, stop_ids=[2], sampling=Sampling(max_tokens=10, temperature=0))
    network.set_attn_implementation("eager")
    for prompt, row in zip(PROMPTS, ours, strict=True):
        theirs = network.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            do_sample=False,
            max_new_tokens=10,
            eos_token_id=2,
            pad_token_id=0,
        )[0, len(prompt) :].tolist()
        assert row[0].ids == theirs
    network.set_attn_implementation(NAME)


def test_a_row_does_not_depend_on_what_it_is_batched_with() -> None:
    network = network_of("llama")
    sampling = Sampling(max_tokens=16, seed=1)
    together = generate(network, PROMPTS, stop_ids=[2, 3], sampling=sampling, completions=3)
    apart = generate(network, PROMPTS, stop_ids=[2, 3], sampling=sampling, completions=3, batch_rows=3)
    assert [[g.ids for g in row] for row in together] == [[g.ids for g in row] for row in apart]
    assert len({tuple(g.ids) for row in together for g in row}) == 9


def test_weights_are_packed_once_for_all_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def counting(network: PreTrainedModel) -> object:
        made.append(native_step(network))
        return made[-1]

    monkeypatch.setattr(decoder, "native_step", counting)
    sampling = Sampling(max_tokens=4, seed=1)
    rows = generate(network_of("llama"), PROMPTS * 4, stop_ids=[2], sampling=sampling, batch_rows=2)
    assert len(rows) == 12 and len(made) == 1


def test_rows_leave_at_a_stop_token_and_the_stop_token_counts() -> None:
    network = network_of("llama")
    rows = generate(network, [[5, 6]] * 40, stop_ids=list(range(2, 30)), sampling=Sampling(max_tokens=8, seed=0))
    finished = [row[0] for row in rows if row[0].finished]
    assert finished
    for g in finished:
        assert 2 <= g.ids[-1] < 30 and not any(2 <= t < 30 for t in g.ids[:-1])
        assert len(g.ids) == len(g.logprobs)
    for row in rows:
        if not row[0].finished:
            assert len(row[0].ids) == 8 and not any(2 <= t < 30 for t in row[0].ids)


def test_a_stop_token_at_exactly_the_last_place_is_finished() -> None:
    """T-RL-10."""
    network = network_of("llama")
    rows = generate(network, [[5, 6]] * 200, stop_ids=list(range(2, 30)), sampling=Sampling(max_tokens=3, seed=0))
    last = [row[0] for row in rows if len(row[0].ids) == 3]
    assert any(g.finished for g in last) and any(not g.finished for g in last)
    assert all(g.finished == (2 <= g.ids[-1] < 30) for g in last)


def test_stream_gives_the_same_ids_without_the_stop_token() -> None:
    network = network_of("llama")
    for seed in range(5):
        sampling = Sampling(max_tokens=12, seed=seed)
        whole = generate(network, [[4, 9]], stop_ids=list(range(2, 12)), sampling=sampling)[0][0]
        expected = whole.ids[:-1] if whole.finished else whole.ids
        assert list(stream(network, [4, 9], stop_ids=list(range(2, 12)), sampling=sampling)) == expected


def test_sampling_follows_the_distribution() -> None:
    logprobs = torch.log(torch.tensor([[0.5, 0.0, 0.3, 0.2]])).expand(20_000, 4)
    uniform = torch.rand(20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    share = torch.bincount(sample(logprobs, uniform), minlength=4) / 20_000
    torch.testing.assert_close(share, torch.tensor([0.5, 0.0, 0.3, 0.2]), atol=0.015, rtol=0)
    edges = sample(logprobs[:2], torch.tensor([0.0, 1.0 - 1e-17], dtype=torch.float64))
    assert edges.tolist() == [0, 3]


def test_truncated_sampling_keeps_the_likeliest() -> None:
    logprobs = torch.log(torch.tensor([[0.5, 0.05, 0.3, 0.15]])).expand(4_000, 4)
    uniform = torch.rand(4_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert set(sample(logprobs, uniform, top_k=2).tolist()) == {0, 2}
    assert set(sample(logprobs, uniform, top_p=0.6).tolist()) == {0, 2}
    assert set(sample(logprobs, uniform, top_p=0.1).tolist()) == {0}


@pytest.mark.parametrize("bad", [{"max_tokens": 0}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_k": -1}])
def test_wrong_sampling_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Sampling(**{"max_tokens": 4, **bad})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="a prompt is empty"):
        generate(network_of("llama"), [[]], stop_ids=[2], sampling=Sampling(max_tokens=2))
