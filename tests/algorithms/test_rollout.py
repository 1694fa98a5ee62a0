"""Episodes: packing, per-token numbers in their places (T-RL-1), and the way into a checkpoint and back."""

from __future__ import annotations

import pytest
import torch

from tests.small import classifier_of, network_of
from tunesmith.algorithms.rollout import (
    Episode,
    completion_logprobs,
    completion_scores,
    completion_values,
    episodes_of,
    pack_episodes,
    rollout_from_state,
    rollout_state,
    token_slices,
)
from tunesmith.model.generate import Generated
from tunesmith.model.network import score_head, scores_of
from tunesmith.model.scalar_head import value_head

EPISODES = [
    Episode([5, 6, 7], [8, 2], True, 0, "a"),
    Episode([5, 6, 7], [9, 10, 11], False, 0, "a"),
    Episode([12], [13], False, 1, "b"),
    Episode([12], [14, 15, 2], True, 1, "b"),
    Episode([5, 6, 7, 8, 9], [10, 2], True, 2, "c"),
]


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("limit", [1, 12, 10_000])
def test_t_rl_1_logprobs_equal_a_loop_over_single_prefixes(temperature: float, limit: int) -> None:
    network = network_of("llama")
    found = completion_logprobs(network, EPISODES, temperature=temperature, micro_batch_tokens=limit)
    network.set_attn_implementation("eager")
    expected = []
    for e in EPISODES:
        for place, token in enumerate(e.completion):
            ids = torch.tensor([[*e.prompt, *e.completion[:place]]])
            logits = network(input_ids=ids).logits[0, -1].detach() / temperature
            expected.append(torch.log_softmax(logits, -1)[token].item())
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("limit", [1, 12, 10_000])
def test_values_are_read_from_the_state_before_each_token(limit: int) -> None:
    network = classifier_of("llama")
    found = completion_values(network, EPISODES, read=lambda h: scores_of(network, h), micro_batch_tokens=limit)
    network.set_attn_implementation("eager")
    expected = []
    for e in EPISODES:
        for place in range(len(e.completion)):
            ids = torch.tensor([[*e.prompt, *e.completion[:place]]])
            hidden = network.base_model(input_ids=ids).last_hidden_state[0, -1].detach()
            expected.append(score_head(network)(hidden).item())
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("limit", [1, 12, 10_000])
def test_one_pass_gives_the_logprobs_and_values_of_two(temperature: float, limit: int) -> None:
    network = network_of("llama")
    head = value_head(network)
    torch.nn.init.normal_(head.weight)
    passes: list[object] = []
    network.base_model.register_forward_hook(lambda *_: passes.append(1))
    options = {"temperature": temperature, "micro_batch_tokens": limit}
    found = completion_scores(network, EPISODES, read=head, **options)
    once = len(passes)
    assert torch.equal(found.logprobs, completion_logprobs(network, EPISODES, **options))
    assert torch.equal(found.values, completion_values(network, EPISODES, read=head, micro_batch_tokens=limit))
    assert len(passes) == 3 * once
    assert not (found.logprobs.requires_grad or found.values.requires_grad) and found.values.std() > 0.1


def test_neighbours_of_a_group_share_their_prompt() -> None:
    shared, apart = pack_episodes(EPISODES), pack_episodes(EPISODES[::2])
    assert shared.tokens == (3 + 2 + 3) + (1 + 1 + 3) + (5 + 2)
    assert apart.tokens == sum(e.size for e in EPISODES[::2])
    targets = [shared.targets[shared.owner == i].tolist() for i in range(5)]
    assert targets == [e.completion for e in EPISODES]


def test_slices_cut_the_flat_tokens_into_episodes() -> None:
    flat = [t for e in EPISODES for t in e.completion]
    assert [flat[where] for where in token_slices(EPISODES)] == [e.completion for e in EPISODES]


def test_episodes_are_numbered_by_prompt() -> None:
    rows = [[Generated([8], [0.0], True), Generated([9], [0.0], False)], [Generated([7], [0.0], True)]]
    found = episodes_of([([1], "x"), ([2, 3], "y")], rows)
    assert [(e.prompt, e.completion, e.finished, e.group, e.key) for e in found] == [
        ([1], [8], True, 0, "x"),
        ([1], [9], False, 0, "x"),
        ([2, 3], [7], True, 1, "y"),
    ]


def test_t_res_4_episodes_go_into_a_checkpoint_and_back() -> None:
    assert rollout_from_state(rollout_state(EPISODES)) == EPISODES
    assert rollout_from_state(rollout_state([])) == []
