"""Rollouts: T-RL-2, T-RL-4, T-RL-5, T-RL-9, T-RL-10 and T-RL-14 through the experience maker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.algorithms.ppo.scene import PROMPTS, Scene, hash_of, settings_of, stir
from tunesmith.algorithms.ppo.experience import Experience
from tunesmith.algorithms.reward_model import score_sequences
from tunesmith.algorithms.rollout import Episode, token_slices
from tunesmith.data.batch import TokenSequence

PLAIN = {"lam": 1.0, "gamma": 1.0, "whiten_advantages": False}


def by_length(episodes: Sequence[Episode]) -> Tensor:
    return torch.tensor([float(len(e.completion)) for e in episodes])


def rewards_of(experience: Experience) -> list[Tensor]:
    """The per-token rewards, from Monte-Carlo returns: r_t = R_t - R_(t+1), with R = 0 after the end."""
    parts = [experience.returns[where] for where in token_slices(experience.episodes)]
    return [part - torch.cat([part[1:], torch.zeros(1)]) for part in parts]


def test_t_rl_2_where_policy_and_reference_are_equal_the_reward_is_the_score() -> None:
    scene = Scene()
    experience = scene.maker(settings_of(**PLAIN), by_length).make(PROMPTS, kl_coef=5.0, seed=0)
    torch.testing.assert_close(experience.logprobs, experience.ref_logprobs, atol=1e-6, rtol=0)
    logged = experience.metrics(5.0)
    for name in ("ppo/kl", "ppo/kl_k3"):
        assert abs(logged[name].total / logged[name].weight) < 1e-5
    for rewards, score in zip(rewards_of(experience), experience.scores, strict=True):
        expected = torch.zeros_like(rewards)
        expected[-1] = score
        torch.testing.assert_close(rewards, expected, atol=1e-4, rtol=0)


def test_t_rl_9_the_score_stands_at_the_last_token_and_the_kl_at_every_completion_token() -> None:
    scene = Scene()
    stir(scene.policy)
    experience = scene.maker(settings_of(**PLAIN)).make(PROMPTS, kl_coef=0.3, seed=0)
    log_ratio = experience.logprobs - experience.ref_logprobs
    assert log_ratio.abs().min() > 0, "every completion token has a KL"
    assert len(log_ratio) == sum(len(e.completion) for e in experience.episodes), "and no prompt token has one"
    for rewards, score, where in zip(
        rewards_of(experience), experience.scores, token_slices(experience.episodes), strict=True
    ):
        expected = -0.3 * log_ratio[where]
        expected[-1] += score
        torch.testing.assert_close(rewards, expected, atol=1e-5, rtol=1e-5)
        assert rewards.sum().item() == pytest.approx((score - 0.3 * log_ratio[where].sum()).item(), abs=1e-4)


@pytest.mark.parametrize(("mode", "value"), [("replace", -4.0), ("subtract", 2.5), ("none", 9.0)])
def test_t_rl_10_a_completion_without_an_end(mode: str, value: float) -> None:
    """Also: a stop token inside the prompt does not count as the end; one at exactly the last place does."""
    scene = Scene()
    prompts = [([5, 2, 6, 3], key) for _, key in PROMPTS * 4]
    settings = settings_of(**PLAIN, max_tokens=3)
    settings = settings.model_copy(update={"no_eos": mode, "no_eos_value": value})
    experience = scene.maker(settings, by_length).make(prompts, kl_coef=0.0, seed=0)
    full = [e for e in experience.episodes if len(e.completion) == 3]
    assert {e.finished for e in full} == {True, False}
    for episode, rewards in zip(experience.episodes, rewards_of(experience), strict=True):
        ended = episode.completion[-1] in scene.stop
        assert episode.finished == ended
        length = float(len(episode.completion))
        cut = {"replace": value, "subtract": length - value, "none": length}[mode]
        assert rewards[-1].item() == pytest.approx(length if ended else cut, abs=1e-5)
        assert not any(t in scene.stop for t in episode.completion[:-1])
    # What is logged is the reward model's own score.
    assert torch.equal(experience.scores, by_length(experience.episodes))


def test_t_rl_14_a_value_model_that_is_a_copy_of_the_reward_model_values_prefixes() -> None:
    """What holds with our slots: the score is given at the last token, whose value is read one token before it.

    So the value before token t is the reward model's score of what stands before t, and after the last token the value
    is 0. Without KL and with lambda 1, the advantage at t is score(whole) - score(what stands before t); in the slot
    that receives the score, it is what the last token alone changed. An off-by-one in either would show here. (Where a
    value is read after the end as well, as in TRL, this difference is 0; that slot does not exist here.)
    """
    scene = Scene()
    scene.reward.config.tunesmith_score_bias = scene.value.trunk.config.tunesmith_score_bias = 0.4
    experience = scene.maker(settings_of(**PLAIN)).make(PROMPTS, kl_coef=0.0, seed=0)
    assert all(p is not q for p, q in zip(scene.value.trunk.parameters(), scene.reward.parameters(), strict=True))
    for episode, score, where in zip(
        experience.episodes, experience.scores, token_slices(experience.episodes), strict=True
    ):
        ids = [*episode.prompt, *episode.completion]
        ends = range(len(episode.prompt), len(ids))
        before = score_sequences(scene.reward, [TokenSequence(ids[:end], [False] * end, "") for end in ends])
        torch.testing.assert_close(experience.values[where], before, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(experience.advantages[where], score - before, atol=1e-5, rtol=1e-5)
        whole = score_sequences(scene.reward, [TokenSequence(ids, [False] * len(ids), "")])[0]
        assert score.item() == pytest.approx(whole.item(), abs=1e-5)


@pytest.mark.parametrize("logprobs", ["recompute", "sampled"])
def test_t_rl_14_a_head_on_the_policy_reads_the_state_before_each_token(logprobs: str) -> None:
    """The slots are those of a value model of its own, and 0 after the end; through transformers' own forward pass."""
    scene = Scene(value_model="shared")
    assert scene.value.head is not None
    experience = scene.maker(settings_of(**PLAIN, logprobs=logprobs)).make(PROMPTS, kl_coef=0.0, seed=0)
    scene.policy.set_attn_implementation("eager")
    assert experience.values.std() > 0.1
    for episode, score, where in zip(
        experience.episodes, experience.scores, token_slices(experience.episodes), strict=True
    ):
        ids = torch.tensor([[*episode.prompt, *episode.completion]])
        with torch.no_grad():
            states = scene.policy.base_model(input_ids=ids).last_hidden_state[0]
        before = (states @ scene.value.head.weight + scene.value.head.bias)[len(episode.prompt) - 1 : -1].detach()
        torch.testing.assert_close(experience.values[where], before, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(experience.advantages[where], score - before, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_t_rl_4_sampled_and_recomputed_logprobs_agree_at_every_temperature(temperature: float) -> None:
    scene = Scene()
    stir(scene.policy)
    made = [
        scene.maker(settings_of(temperature=temperature, logprobs=kind)).make(PROMPTS, kl_coef=0.1, seed=5)
        for kind in ("recompute", "sampled")
    ]
    assert made[0].episodes == made[1].episodes
    torch.testing.assert_close(made[0].logprobs, made[1].logprobs, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(made[0].ref_logprobs, made[1].ref_logprobs, atol=0, rtol=0)
    torch.testing.assert_close(made[0].returns, made[1].returns, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", ["separate", "shared"])
def test_t_rl_5_experience_is_made_without_dropout_whatever_the_networks_mode(kind: Any) -> None:
    dropout = {"resid_pdrop": 0.4, "embd_pdrop": 0.4, "attn_pdrop": 0.4}
    scene = Scene("gpt2", more=dropout, value_model=kind)
    expected = scene.maker(settings_of()).make(PROMPTS, kl_coef=0.1, seed=5)
    networks = (scene.policy, scene.reference, scene.value.trunk, scene.reward)
    for network in networks:
        network.train()
    found = scene.maker(settings_of()).make(PROMPTS, kl_coef=0.1, seed=5)
    assert found.episodes == expected.episodes
    for name in ("scores", "logprobs", "ref_logprobs", "values", "advantages", "returns"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name
    assert all(network.training for network in networks), "and the mode is as it was"


@pytest.mark.parametrize("kind", ["separate", "shared"])
def test_making_experience_depends_neither_on_micro_batches_nor_changes_a_network(kind: Any) -> None:
    """T-RL-21 (rollout side)."""
    scene = Scene(value_model=kind)
    networks = (scene.policy, scene.reference, scene.value.module, scene.reward)
    before = [hash_of(n) for n in networks]
    large = scene.maker(settings_of(), tokens=10_000).make(PROMPTS, kl_coef=0.1, seed=5)
    small = scene.maker(settings_of(), tokens=1).make(PROMPTS, kl_coef=0.1, seed=5)
    assert large.episodes == small.episodes
    for name in ("scores", "logprobs", "values", "advantages", "returns"):
        torch.testing.assert_close(getattr(large, name), getattr(small, name), atol=2e-5, rtol=1e-4)
    assert [hash_of(n) for n in networks] == before
    assert all(p.grad is None for n in networks for p in n.parameters())
    assert not any(getattr(large, f).requires_grad for f in ("logprobs", "values", "advantages", "returns"))


def test_scores_are_clipped_before_the_rule_for_missing_ends_and_logged_unclipped() -> None:
    scene = Scene()
    settings = settings_of(**PLAIN, score_clip=0.5)
    experience = scene.maker(settings, lambda e: by_length(e) - 3).make(PROMPTS, kl_coef=0.0, seed=0)
    last = torch.stack([rewards[-1] for rewards in rewards_of(experience)])
    torch.testing.assert_close(last, experience.scores.clamp(-0.5, 0.5), atol=1e-5, rtol=0)
    assert experience.scores.abs().max() > 0.5


def test_t_rl_15_whitening_is_over_the_tokens_of_the_whole_rollout() -> None:
    scene = Scene()
    made = scene.maker(settings_of(whiten_advantages=True)).make(PROMPTS, kl_coef=0.1, seed=0)
    assert made.advantages.mean().item() == pytest.approx(0, abs=1e-5)
    assert made.advantages.var(correction=0).item() == pytest.approx(1, abs=1e-4)
    plain = scene.maker(settings_of(whiten_advantages=False)).make(PROMPTS, kl_coef=0.1, seed=0)
    torch.testing.assert_close(made.returns, plain.returns), "T-RL-12: returns are never whitened"
    torch.testing.assert_close(made.returns - made.values, plain.advantages, atol=1e-5, rtol=1e-5)


def test_a_state_gives_the_experience_back() -> None:
    scene = Scene()
    made = scene.maker(settings_of()).make(PROMPTS, kl_coef=0.1, seed=0)
    again = Experience.from_state(made.state_dict())
    assert again.episodes == made.episodes
    assert all(torch.equal(getattr(again, n), getattr(made, n)) for n in ("scores", "logprobs", "values", "returns"))
    assert again.metrics(0.1) == made.metrics(0.1) and again.mean_kl() == made.mean_kl()
