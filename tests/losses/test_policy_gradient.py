"""Rewards, advantages and clipped losses, and two exact oracles built on them: a bandit and a two-token policy.

Legend: B completions, N tokens stored flat, A actions of the bandit, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import product

import pytest
import torch
from torch import Tensor

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.losses.kl import k1, k2, k3, kl_loss
from tunesmith.losses.policy_gradient import (
    GroupScale,
    Moments,
    apply_no_eos,
    clipped_policy_loss,
    clipped_value_loss,
    ends_with_stop,
    gae,
    group_advantages,
    moments,
    per_token_rewards,
    pooled,
    token_weights,
    whiten,
)


def double(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def ints(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.long)


# -- per-token rewards


def test_t_rl_9_reward_placement() -> None:
    logprobs, ref = double(-1, -2, -0.5), double(-1.2, -1.5, -0.5)
    rewards = per_token_rewards(double(0.8), logprobs, ref, kl_coef=0.02, lengths=ints(3))
    torch.testing.assert_close(rewards, double(-0.004, 0.010, 0.8), atol=1e-7, rtol=0)


def test_t_rl_9_sum_is_score_minus_kl_on_ragged_rows_with_tool_tokens() -> None:
    g = torch.Generator().manual_seed(0)
    lengths, mask = ints(3, 1, 4), torch.tensor([1, 0, 1, 1, 1, 0, 1, 0], dtype=torch.bool)
    logprobs, ref = torch.randn(2, 8, generator=g, dtype=torch.float64).unbind()
    scores = double(1.0, -2.0, 0.5)
    rewards = per_token_rewards(scores, logprobs, ref, kl_coef=0.1, lengths=lengths, action_mask=mask)
    assert not rewards[~mask].any()
    for row, (start, stop) in enumerate(((0, 3), (3, 4), (4, 8))):
        kl = ((logprobs - ref) * mask)[start:stop].sum()
        torch.testing.assert_close(rewards[start:stop].sum(), scores[row] - 0.1 * kl, atol=1e-12, rtol=0)
    # The last row ends with a tool token; its score lies on the last token the policy chose.
    assert float(rewards[6]) == pytest.approx(0.5 - 0.1 * float(logprobs[6] - ref[6]))


def test_t_rl_2_policy_equal_to_reference_is_paid_its_score_only() -> None:
    logprobs = torch.randn(5)
    rewards = per_token_rewards(torch.tensor([0.7, -0.2]), logprobs, logprobs, kl_coef=0.02, lengths=ints(2, 3))
    torch.testing.assert_close(rewards, torch.tensor([0, 0.7, 0, 0, -0.2]), atol=1e-6, rtol=0)


def test_rewards_are_constants_and_a_score_without_a_place_is_an_error() -> None:
    logprobs = torch.zeros(2, requires_grad=True)
    ref = torch.zeros(2)
    assert not per_token_rewards(torch.zeros(1), logprobs, ref, kl_coef=0.1, lengths=ints(2)).requires_grad
    with pytest.raises(DataError, match="row 1"):
        per_token_rewards(torch.zeros(2), ref, ref, kl_coef=0.1, lengths=ints(2, 0))
    with pytest.raises(DataError, match="lengths"):
        per_token_rewards(torch.zeros(1), ref, ref, kl_coef=0.1, lengths=ints(3))
    nothing = torch.zeros(2, dtype=torch.bool)
    with pytest.raises(DataError, match="row 0"):
        per_token_rewards(torch.zeros(1), ref, ref, kl_coef=0.1, lengths=ints(2), action_mask=nothing)


def test_t_rl_10_a_completion_without_an_end() -> None:
    scores, finished = double(0.9, -3.0, 0.4), torch.tensor([True, False, False])
    assert apply_no_eos(scores, finished, mode="replace", value=-1.0).tolist() == [0.9, -1.0, -1.0]
    assert apply_no_eos(scores, finished, mode="subtract", value=1.0).tolist() == pytest.approx([0.9, -4.0, -0.6])
    assert apply_no_eos(scores, finished, mode="none", value=-1.0).tolist() == scores.tolist()
    with pytest.raises(ConfigError, match="subtracted"):
        apply_no_eos(scores, finished, mode="subtract", value=-1.0)
    with pytest.raises(ConfigError, match="mode"):
        apply_no_eos(scores, finished, mode="other", value=-1.0)  # type: ignore[arg-type]


def test_t_rl_10_only_a_stop_token_at_the_very_end_finishes() -> None:
    """The limit is 3 tokens: ended at the limit; cut; a stop token of the next row's beginning is not this row's."""
    tokens, lengths = ints(5, 6, 2, 7, 8, 9, 2, 5, 3), ints(3, 3, 2, 1)
    assert ends_with_stop(tokens, lengths, [2, 3]).tolist() == [True, False, False, True]


# -- generalised advantage estimation


REWARDS, VALUES = double(-0.1, 0.05, -0.2, 1.0), double(0.3, 0.4, 0.1, 0.6)


@pytest.mark.parametrize(
    ("lam", "advantages", "returns"),
    [
        (0.95, (0.3762, 0.396, 0.68, 0.4), (0.6762, 0.796, 0.78, 1.0)),
        (0.0, (0, -0.25, 0.3, 0.4), (0.3, 0.15, 0.4, 1.0)),
        (1.0, (0.45, 0.45, 0.7, 0.4), (0.75, 0.85, 0.8, 1.0)),
    ],
)
def test_t_rl_11_worked_numbers(lam: float, advantages: tuple[float, ...], returns: tuple[float, ...]) -> None:
    out = gae(REWARDS, VALUES, gamma=1.0, lam=lam, lengths=ints(4))
    assert out.advantages.tolist() == pytest.approx(advantages, abs=1e-6)
    assert out.returns.tolist() == pytest.approx(returns, abs=1e-6)


def brute_force_gae(rewards: Tensor, values: Tensor, gamma: float, lam: float) -> Tensor:
    """Return sum_l (gamma lam)^l delta_(t+l) of one completion, by its definition."""
    after = torch.cat([values[1:], values.new_zeros(1)])
    delta = rewards + gamma * after - values
    return torch.stack(
        [sum((gamma * lam) ** (u - t) * delta[u] for u in range(t, len(delta))) for t in range(len(delta))]
    )


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.9, 0.8), (0.99, 1.0)])
def test_t_rl_11_and_t_rl_13_flat_ragged_rows_equal_brute_force_row_by_row(gamma: float, lam: float) -> None:
    g = torch.Generator().manual_seed(1)
    lengths = ints(4, 1, 0, 7, 3)
    rewards, values = torch.randn(2, 15, generator=g, dtype=torch.float64).unbind()
    out = gae(rewards, values, gamma=gamma, lam=lam, lengths=lengths)
    rows = zip(rewards.split(lengths.tolist()), values.split(lengths.tolist()), strict=True)
    expected = torch.cat([brute_force_gae(r, v, gamma, lam) for r, v in rows if len(r)])
    torch.testing.assert_close(out.advantages, expected, atol=1e-10, rtol=0)


def test_t_rl_12_the_two_ends_of_lambda_and_the_returns() -> None:
    g = torch.Generator().manual_seed(2)
    rewards, values, others = torch.randn(3, 6, generator=g, dtype=torch.float64).unbind()
    lengths = ints(6)
    monte_carlo = gae(rewards, values, gamma=1.0, lam=1.0, lengths=lengths).returns
    torch.testing.assert_close(monte_carlo, rewards.flip(0).cumsum(0).flip(0), atol=1e-10, rtol=0)
    torch.testing.assert_close(gae(rewards, others, gamma=1.0, lam=1.0, lengths=lengths).returns, monte_carlo)
    td = gae(rewards, values, gamma=0.9, lam=0.0, lengths=lengths).advantages
    torch.testing.assert_close(td, rewards + 0.9 * torch.cat([values[1:], double(0)]) - values, atol=1e-12, rtol=0)
    both = gae(rewards, values, gamma=0.9, lam=0.95, lengths=lengths)
    torch.testing.assert_close(both.returns - values, both.advantages, atol=1e-12, rtol=0)


def test_t_rl_13_tool_tokens_are_skipped_as_if_deleted() -> None:
    g = torch.Generator().manual_seed(3)
    lengths, mask = ints(5, 3, 2), torch.tensor([1, 0, 0, 1, 1, 0, 1, 0, 0, 0], dtype=torch.bool)
    rewards, values = torch.randn(2, 10, generator=g, dtype=torch.float64).unbind()
    rewards = rewards * mask
    out = gae(rewards, values, gamma=0.97, lam=0.9, lengths=lengths, action_mask=mask)
    deleted = gae(rewards[mask], values[mask], gamma=0.97, lam=0.9, lengths=ints(3, 1, 0))
    torch.testing.assert_close(out.advantages[mask], deleted.advantages, atol=1e-12, rtol=0)
    torch.testing.assert_close(out.returns[mask], deleted.returns, atol=1e-12, rtol=0)
    assert not out.advantages[~mask].any() and torch.equal(out.returns[~mask], values[~mask])


def test_gae_refuses_a_reward_that_would_be_lost_and_lengths_that_do_not_fit() -> None:
    with pytest.raises(DataError, match="action mask"):
        gae(torch.ones(2), torch.zeros(2), gamma=1, lam=1, lengths=ints(2), action_mask=torch.tensor([True, False]))
    with pytest.raises(DataError, match="lengths"):
        gae(torch.ones(2), torch.zeros(2), gamma=1, lam=1, lengths=ints(3))


def test_gae_of_nothing_and_of_values_with_a_gradient() -> None:
    assert gae(torch.zeros(0), torch.zeros(0), gamma=1, lam=1, lengths=ints(0, 0)).advantages.shape == (0,)
    assert not gae(
        torch.ones(2), torch.ones(2, requires_grad=True), gamma=1, lam=1, lengths=ints(2)
    ).returns.requires_grad


# -- whitening


def test_t_rl_15_worked_numbers() -> None:
    x = double(1, 2, 3, 4)
    assert whiten(x).tolist() == pytest.approx([-1.341641, -0.447214, 0.447214, 1.341641], abs=1e-5)
    kept = whiten(x, shift_mean=False)
    assert kept.tolist() == pytest.approx([1.158359, 2.052786, 2.947214, 3.841641], abs=1e-5)
    assert float(kept.mean()) == pytest.approx(2.5)
    assert float(whiten(x, unbiased=True)[0]) == pytest.approx(-1.161895, abs=1e-5)


def test_t_rl_15_mean_0_variance_1_and_real_tokens_only() -> None:
    g = torch.Generator().manual_seed(4)
    padded = torch.full((4, 9), 1e9)
    mask = torch.arange(9) < ints(9, 2, 5, 1)[:, None]
    padded[mask] = 3 + 2 * torch.randn(17, generator=g)
    out = whiten(padded[mask])
    assert float(out.mean()) == pytest.approx(0, abs=1e-5)
    assert float(out.var(correction=0)) == pytest.approx(1, abs=1e-5)


def test_t_rl_15_a_single_token_gives_no_nan() -> None:
    for unbiased in (True, False):
        assert whiten(torch.tensor([3.0]), unbiased=unbiased).tolist() == [0.0]
        assert whiten(torch.tensor([3.0]), unbiased=unbiased, shift_mean=False).tolist() == [3.0]
    assert whiten(torch.zeros(0)).shape == (0,)


def test_t_rl_15_ranks_pool_to_the_global_statistics() -> None:
    x = torch.randn(20, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    parts = x.split([3, 1, 16])
    together = pooled([moments(part) for part in parts] + [moments(x[:0])])
    assert together == pytest.approx(moments(x))
    by_rank = torch.cat([whiten(part, statistics=together, unbiased=True) for part in parts])
    torch.testing.assert_close(by_rank, whiten(x, unbiased=True))
    assert pooled([]) == Moments(0.0, 0.0, 0)


# -- clipped losses


def test_t_rl_16_policy_loss_values_and_gradients() -> None:
    rho = double(1.3, 0.7, 1.3, 0.7, 1.1).requires_grad_()
    out = clipped_policy_loss(rho.log(), torch.zeros(5), double(1, 1, -1, -1, 1), clip_range=0.2)
    assert out.losses.tolist() == pytest.approx([-1.2, -0.7, 1.3, 0.8, -1.1], abs=1e-7)
    assert out.clipped.tolist() == [True, False, False, True, False]
    out.losses.sum().backward()
    assert rho.grad is not None
    # Exactly zero where the clip is active; whole where it would be a repair.
    assert rho.grad[0] == 0 and rho.grad[3] == 0
    assert rho.grad[[1, 2, 4]].tolist() == pytest.approx([-1, 1, -1], abs=1e-7)


def test_at_the_old_policy_the_loss_is_minus_the_advantage_and_nothing_is_clipped() -> None:
    logprobs, advantages = torch.randn(6).requires_grad_(), torch.randn(6)
    out = clipped_policy_loss(logprobs, logprobs, advantages, clip_range=0.2)
    torch.testing.assert_close(out.losses.detach(), -advantages)
    assert not out.clipped.any()
    out.losses.sum().backward()  # old log-probs are constants, also when they are the same tensor
    assert logprobs.grad is not None
    torch.testing.assert_close(logprobs.grad, -advantages)


def test_t_rl_16_value_loss_values_and_gradients() -> None:
    values = double(1.0, 1.0, 0.6).requires_grad_()
    out = clipped_value_loss(values, double(0.5, 0.5, 0.5), double(0.9, 0.2, 0.2), clip_range=0.2)
    assert out.losses.tolist() == pytest.approx([0.02, 0.32, 0.08], abs=1e-7)
    assert out.clipped.tolist() == [True, False, False]
    out.losses.sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == pytest.approx([0, 0.8, 0.4], abs=1e-7)
    plain = clipped_value_loss(values.detach(), double(0.5, 0.5, 0.5), double(0.9, 0.2, 0.2), clip_range=None)
    assert plain.losses.tolist() == pytest.approx([0.005, 0.32, 0.08], abs=1e-7)


def test_clipped_losses_are_computed_in_fp32() -> None:
    narrow = torch.tensor([-1.0, -2.0]).bfloat16()
    assert clipped_policy_loss(narrow, narrow, narrow, clip_range=0.2).losses.dtype == torch.float32
    assert clipped_value_loss(narrow, narrow, narrow, clip_range=0.2).losses.dtype == torch.float32


# -- group advantages


@pytest.mark.parametrize(
    ("scale", "unbiased", "size"),
    [("std", True, 0.865875), ("std", False, 0.999800), ("none", True, 0.5), ("rloo", True, 0.666667)],
)
def test_t_rl_29_the_four_scales(scale: GroupScale, unbiased: bool, size: float) -> None:
    out = group_advantages(double(1, 0, 0, 1), ints(0, 0, 0, 0), scale=scale, unbiased=unbiased)
    assert out.advantages.tolist() == pytest.approx([size, -size, -size, size], abs=1e-6)


def test_t_rl_29_rloo_layouts() -> None:
    """The same twelve scores of 3 prompts x 4 samples, stored sample by sample and prompt by prompt."""
    scores, index = double(1, 2, 3, 2, 3, 4, 5, 6, 7, 8, 9, 10), torch.arange(12)
    by_sample = group_advantages(scores, index % 3, scale="rloo").advantages
    assert (float(by_sample[0]), float(by_sample[7])) == pytest.approx((-4.0, 1.333333), abs=1e-6)
    by_prompt = group_advantages(scores, index // 4, scale="rloo").advantages
    assert float(by_prompt[0]) == pytest.approx(-1.333333, abs=1e-6)
    for row in range(12):
        others = [float(scores[i]) for i in range(12) if i % 3 == row % 3 and i != row]
        assert float(by_sample[row]) == pytest.approx(float(scores[row]) - sum(others) / 3)


@pytest.mark.parametrize("scale", ["std", "none", "rloo"])
def test_t_rl_27_a_constant_score_teaches_nothing(scale: GroupScale) -> None:
    """0.1 has no exact binary form: a variance of rounding errors must not be divided by eps."""
    scores = torch.full((9,), 0.1)
    out = group_advantages(scores, torch.arange(9) // 3, scale=scale)
    assert not out.advantages.any() and (out.groups, out.zero_variance) == (3, 3)
    logprobs = torch.randn(9).requires_grad_()
    clipped_policy_loss(logprobs, logprobs, out.advantages, clip_range=0.2).losses.sum().backward()
    assert logprobs.grad is not None and not logprobs.grad.any()


def test_t_rl_27_ppo_advantages_vanish_once_the_critic_fits() -> None:
    lengths = ints(3, 5)
    rewards = per_token_rewards(torch.full((2,), 0.4), torch.zeros(8), torch.zeros(8), kl_coef=0.0, lengths=lengths)
    out = gae(rewards, torch.full((8,), 0.4), gamma=1.0, lam=0.95, lengths=lengths)
    torch.testing.assert_close(out.advantages, torch.zeros(8), atol=1e-6, rtol=0)
    assert bool(whiten(out.advantages).isfinite().all())


def test_t_rl_28_affine_changes_of_the_scores() -> None:
    scores = torch.randn(12, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    group = torch.arange(12) % 3
    changed = 5.0 * scores + 7.0
    std = [group_advantages(s, group, scale="std").advantages for s in (scores, changed)]
    torch.testing.assert_close(std[1], std[0], atol=1e-3, rtol=0)
    rloo = [group_advantages(s, group, scale="rloo").advantages for s in (scores, changed)]
    torch.testing.assert_close(rloo[1], 5 * rloo[0], atol=1e-6, rtol=0)


def test_unscored_completions_stay_out_of_the_group() -> None:
    nan = math.nan
    scores, group = double(1, nan, 3, 5, nan, nan, 2, 2), ints(0, 0, 0, 1, 1, 2, 3, 3)
    out = group_advantages(scores, group, scale="none")
    assert out.advantages.tolist() == [-1, 0, 1, 0, 0, 0, 0, 0]
    assert (out.groups, out.zero_variance, out.unscored) == (4, 3, 3)
    for scale in ("std", "rloo"):
        assert bool(group_advantages(scores, group, scale=scale).advantages.isfinite().all())  # type: ignore[arg-type]


def test_group_advantages_of_nothing_and_of_an_unknown_scale() -> None:
    assert group_advantages(torch.zeros(0), ints(), scale="std").groups == 0
    with pytest.raises(ConfigError, match="scale"):
        group_advantages(torch.zeros(1), ints(0), scale="other")  # type: ignore[arg-type]


# -- aggregation


@pytest.mark.parametrize(("mode", "expected"), [("token", 2.6), ("sequence", 2.0), ("constant", 1.625)])
def test_t_ga_8_every_mode_gives_its_number_under_every_batching(mode: str, expected: float) -> None:
    rows = [torch.tensor([1.0, 1.0]), torch.full((8,), 3.0)]
    for batching in ([[0, 1]], [[0], [1]], [[1], [0]]):
        total = denominator = 0.0
        for batch in batching:
            losses = torch.cat([rows[i] for i in batch])
            out = token_weights(ints(*(len(rows[i]) for i in batch)), mode=mode, max_length=8)  # type: ignore[arg-type]
            total += float((out.weights * losses).sum())
            denominator += out.denominator
        assert total / denominator == pytest.approx(expected, abs=1e-6)


def test_token_weights_ignore_empty_completions_and_ask_for_a_length() -> None:
    assert token_weights(ints(2, 0), mode="sequence").denominator == 1
    assert token_weights(ints(2, 0), mode="constant", max_length=4).denominator == 4
    for options in ({"mode": "constant"}, {"mode": "other"}):
        with pytest.raises(ConfigError):
            token_weights(ints(2), **options)  # type: ignore[arg-type]


# -- the bandit: one prompt, three answers of one token, everything by enumeration


SCORES = double(1, 0, -1)
REFERENCE = double(0.2, 0.5, 0.3).log()
BETA = 0.5
OPTIMUM = double(0.732165, 0.247720, 0.020115)
Loss = Callable[[Tensor, Tensor], Tensor]  # current and old log-probs (A,) -> expected loss


def optimise(loss: Loss, *, steps: int = 250, inner: int = 1) -> Tensor:
    """Return the policy (A,) that gradient descent on the expected loss ends at, starting at the reference.

    The step size falls to 0: GRPO's division by the spread keeps its gradients large however near the optimum is.
    """
    logits = REFERENCE.clone().requires_grad_()
    for step in range(steps):
        old = torch.log_softmax(logits.detach(), 0)
        for _ in range(inner):
            (gradient,) = torch.autograd.grad(loss(torch.log_softmax(logits, 0), old), logits)
            logits = (logits - 1.5 * (1 - step / steps) * gradient).detach().requires_grad_()
    return torch.softmax(logits.detach(), 0)


def objective(policy: Tensor) -> float:
    return float(policy @ (SCORES - BETA * (policy.log() - REFERENCE)))


def ppo(logprobs: Tensor, old: Tensor) -> Tensor:
    """KL in the reward, the exact value as critic, clipped loss."""
    lengths = torch.ones(3, dtype=torch.long)
    rewards = per_token_rewards(SCORES, old, REFERENCE, kl_coef=BETA, lengths=lengths)
    values = (old.exp() @ rewards).expand(3)
    advantages = gae(rewards, values, gamma=1.0, lam=0.95, lengths=lengths).advantages
    return old.exp() @ clipped_policy_loss(logprobs, old, advantages, clip_range=0.2).losses


def grouped(scale: GroupScale, *, kl_in: str, k: int = 3) -> Loss:
    """Return the exact expectation, over all groups of k answers, of a group-relative loss."""
    actions = torch.tensor(list(product(range(3), repeat=k)))
    group = torch.arange(len(actions)).repeat_interleave(k)
    flat = actions.flatten()

    def loss(logprobs: Tensor, old: Tensor) -> Tensor:
        penalty = BETA * k1(old, REFERENCE) if kl_in == "reward" else torch.zeros(3)
        advantages = group_advantages((SCORES - penalty)[flat], group, scale=scale).advantages
        losses = clipped_policy_loss(logprobs[flat], old[flat], advantages, clip_range=0.2).losses
        if kl_in == "loss":
            losses = losses + BETA * kl_loss(logprobs, old, REFERENCE)[flat]
        return old.exp()[actions].prod(1) @ losses.reshape(-1, k).mean(1)

    return loss


@pytest.mark.parametrize(
    ("name", "loss", "inner"),
    [
        ("PPO, one epoch", ppo, 1),
        ("PPO, four epochs", ppo, 4),
        ("RLOO, KL in the reward", grouped("rloo", kl_in="reward"), 1),
        ("RLOO, KL in the loss", grouped("rloo", kl_in="loss"), 1),
        ("GRPO, KL in the reward", grouped("std", kl_in="reward"), 1),
        ("Dr. GRPO, KL in the reward", grouped("none", kl_in="reward"), 1),
    ],
)
def test_t_rl_25_every_optimiser_finds_the_closed_form_optimum(name: str, loss: Loss, inner: int) -> None:
    policy = optimise(loss, inner=inner)
    torch.testing.assert_close(policy, OPTIMUM, atol=1e-2, rtol=0, msg=f"{name}: {policy.tolist()}")
    assert objective(policy) == pytest.approx(0.351155, abs=1e-4)


@pytest.mark.parametrize(
    ("estimator", "fixed_point"),
    [(k2, (0.732165, 0.247720, 0.020115)), (k3, (0.710764, 0.219165, 0.070071)), (k1, (1.0, 0.0, 0.0))],
)
def test_t_rl_25_the_wrong_kl_in_the_loss_shows_by_its_fixed_point(
    estimator: Callable[[Tensor, Tensor], Tensor], fixed_point: tuple[float, ...]
) -> None:
    def loss(logprobs: Tensor, old: Tensor) -> Tensor:
        advantages = SCORES - old.exp() @ SCORES
        losses = clipped_policy_loss(logprobs, old, advantages, clip_range=0.2).losses
        return old.exp() @ (losses + BETA * estimator(logprobs, REFERENCE))

    assert optimise(loss).tolist() == pytest.approx(fixed_point, abs=1e-2)


def test_t_rl_25_a_baseline_that_contains_the_sample_itself_strengthens_the_kl() -> None:
    """Without k/(k-1) the reward counts 2/3 of what the KL in the loss counts: the optimum of beta * 3/2."""
    tilted = torch.softmax(REFERENCE + SCORES / (BETA * 1.5), 0)
    torch.testing.assert_close(optimise(grouped("none", kl_in="loss")), tilted, atol=1e-3, rtol=0)


# -- the exact policy gradient: vocabulary 3, two tokens, nine sequences, fp64


@pytest.mark.parametrize("critic", ["exact", "arbitrary"])
def test_t_rl_26_the_mean_of_the_estimator_is_the_gradient_of_the_expected_reward(critic: str) -> None:
    """With a wrong critic the estimator is unbiased at lambda 1 only; with the exact one at any lambda."""
    g = torch.Generator().manual_seed(7)
    first, second, ref_first, ref_second = (
        torch.randn(shape, generator=g, dtype=torch.float64) for shape in ((3,), (3, 3), (3,), (3, 3))
    )
    scores = torch.randn(3, 3, generator=g, dtype=torch.float64)
    leaves = [first.requires_grad_(), second.requires_grad_()]
    beta = 0.3

    def tables(one: Tensor, two: Tensor) -> tuple[Tensor, Tensor]:
        return torch.log_softmax(one, -1), torch.log_softmax(two, -1)

    (lp1, lp2), (ref1, ref2) = tables(first, second), tables(ref_first, ref_second)
    joint = lp1[:, None] + lp2  # (V, V): log-probability of both tokens
    expected = (joint.exp() * (scores - beta * (joint - ref1[:, None] - ref2))).sum()
    exact = torch.autograd.grad(expected, leaves, retain_graph=True)

    if critic == "exact":
        value2 = (lp2.exp() * (scores - beta * (lp2 - ref2))).sum(1).detach()
        value1, lam = expected.detach(), 0.9
    else:
        value2, value1, lam = torch.randn(3, generator=g, dtype=torch.float64), double(0.4)[0], 1.0
    # All nine sequences, flat: token 1 and token 2 of each.
    logprobs, ref = (torch.stack([a[:, None].expand(3, 3), b], -1).flatten() for a, b in ((lp1, lp2), (ref1, ref2)))
    values = torch.stack([value1.expand(3, 3), value2[:, None].expand(3, 3)], -1).flatten()
    lengths = torch.full((9,), 2)
    rewards = per_token_rewards(scores.flatten(), logprobs, ref, kl_coef=beta, lengths=lengths)
    advantages = gae(rewards, values, gamma=1.0, lam=lam, lengths=lengths).advantages
    losses = clipped_policy_loss(logprobs, logprobs, advantages, clip_range=0.2).losses.reshape(9, 2).sum(1)
    estimated = torch.autograd.grad(-(joint.exp().detach().flatten() @ losses), leaves)
    for one, other in zip(estimated, exact, strict=True):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=0)


def conditionals(seed: int) -> dict[tuple[int, ...], Tensor]:
    """The log-probs of the next of three tokens after every beginning of at most two."""
    generator = torch.Generator().manual_seed(seed)
    beginnings = [begin for n in range(3) for begin in product(range(3), repeat=n)]
    return {begin: torch.randn(3, generator=generator, dtype=torch.float64).log_softmax(0) for begin in beginnings}


def tokenwise(policy: Mapping[tuple[int, ...], Tensor], sequence: tuple[int, ...]) -> Tensor:
    return torch.stack([policy[sequence[:t]][token] for t, token in enumerate(sequence)])


def test_t_rl_8_the_kl_of_a_response_is_its_log_ratio_and_on_average_that_of_the_sequences() -> None:
    """Vocabulary 3, length 3: 27 sequences, enumerated; 20,000 drawn, within four standard errors."""
    policy, reference = conditionals(1), conditionals(2)
    every = list(product(range(3), repeat=3))
    own, theirs = (torch.stack([tokenwise(p, s) for s in every]) for p in (policy, reference))
    lengths = torch.full((len(every),), 3)
    rewards = per_token_rewards(torch.zeros(27), own.flatten(), theirs.flatten(), kl_coef=1.0, lengths=lengths)
    kl = -rewards.view(27, 3).sum(1)
    whole = own.sum(1)
    torch.testing.assert_close(kl, whole - theirs.sum(1), atol=1e-12, rtol=0)
    assert float(whole.exp().sum()) == pytest.approx(1.0)
    exact = float((whole.exp() * (whole - theirs.sum(1))).sum())
    drawn = kl[torch.multinomial(whole.exp(), 20_000, replacement=True, generator=torch.Generator().manual_seed(3))]
    assert abs(float(drawn.mean()) - exact) < 4 * float(drawn.std()) / math.sqrt(len(drawn))
