"""Rewards, advantages and the clipped losses of PPO, and the group advantages of GRPO, Dr. GRPO and RLOO.

Shapes: B completions; N completion tokens, all completions one after the other without padding; `lengths` (B,), int64,
says where one ends, `sum(lengths) == N`; T the longest completion; G groups (prompts). Prompt tokens are not stored.
`action_mask` (N,): True = the policy chose this token; False = a tool or the environment wrote it.

Rewards, advantages and returns are constants of the update: nothing here but the two clipped losses has a gradient.
Sources: PPO, arXiv 1707.06347; GAE, arXiv 1506.02438; InstructGPT, arXiv 2203.02155, section 3.5 and appendix C.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.losses.precision import wide

NoEosMode = Literal["replace", "subtract", "none"]
GroupScale = Literal["std", "none", "rloo"]
TokenAggregation = Literal["token", "sequence", "constant"]


class Advantages(NamedTuple):
    """`advantages` (N,), not whitened, and `returns` (N,) = advantages + values."""

    advantages: Tensor
    returns: Tensor


class Moments(NamedTuple):
    """`mean`, biased variance `var` (divided by n) and number of values `n`."""

    mean: float
    var: float
    n: int


class ClippedLoss(NamedTuple):
    """`losses` (N,) and `clipped` (N,): True = the clipped term is strictly the larger one (no gradient there)."""

    losses: Tensor
    clipped: Tensor


class GroupAdvantages(NamedTuple):
    """`advantages` (B,), and of the G `groups`: `zero_variance` have equal scores only; `unscored` completions."""

    advantages: Tensor
    groups: int
    zero_variance: int
    unscored: int


class TokenWeights(NamedTuple):
    """`weights` (N,) of the token losses, and the `denominator` by which their sum, over the step, is divided."""

    weights: Tensor
    denominator: float


def ends_with_stop(tokens: Tensor, lengths: Tensor, stop_ids: Sequence[int]) -> Tensor:
    """Return which completions the model ended itself: (N,), (B,) -> (B,), True = the last token is a stop token.

    A stop token in the prompt says nothing, and one at exactly the length limit counts.
    """
    last = lengths.cumsum(0) - 1
    return torch.isin(tokens[last], torch.as_tensor(tuple(stop_ids), device=tokens.device)) & (lengths > 0)


def apply_no_eos(scores: Tensor, finished: Tensor, *, mode: NoEosMode, value: float) -> Tensor:
    """Return the scores after the rule for completions without an end: (B,), (B,) -> (B,).

    `finished` True = ended by a stop token. "replace": the score becomes `value` (Ziegler et al. 2019: -1, after
    normalisation); "subtract": the score falls by `value` (TRL's `missing_eos_penalty`); "none": nothing happens.

    Raises:
        ConfigError: the mode is unknown, or "subtract" would reward what it should punish.
    """
    if mode == "replace":
        return torch.where(finished, scores, torch.full_like(scores, value))
    if mode == "subtract":
        if value < 0:
            raise ConfigError(f"must not be negative, it is subtracted: {value}", where="no_eos.value")
        return torch.where(finished, scores, scores - value)
    if mode == "none":
        return scores
    raise ConfigError(f"unknown mode {mode!r}", where="no_eos.mode", remedy="use replace, subtract or none")


def per_token_rewards(
    scores: Tensor,
    logprobs: Tensor,
    ref_logprobs: Tensor,
    *,
    kl_coef: float,
    lengths: Tensor,
    action_mask: Tensor | None = None,
) -> Tensor:
    """Return the reward of each token: (B,), (N,), (N,) -> (N,), constants.

        reward_t = -kl_coef (log p_t - log p_ref_t)        plus the completion's score at its last action token

    Tokens that are no actions get 0. Source: InstructGPT eq. 2; the KL term as in Ziegler et al. 2019, section 2.

    Raises:
        DataError: a completion has no action token, so its score has no place; or the lengths do not fit.
    """
    owner = _owner(lengths, logprobs)
    mask = torch.ones_like(owner, dtype=torch.bool) if action_mask is None else action_mask
    with torch.no_grad():
        rewards = -kl_coef * (wide(logprobs) - wide(ref_logprobs))
        rewards = torch.where(mask, rewards, torch.zeros_like(rewards))
        index = torch.arange(len(owner), device=owner.device)
        last = torch.full_like(lengths, -1).scatter_reduce(0, owner[mask], index[mask], "amax")
        if bool((last < 0).any()):
            completion = int((last < 0).nonzero()[0, 0])
            raise DataError("a completion has no token of the policy's", where=f"per_token_rewards: row {completion}")
        return rewards.index_add(0, last, scores.to(rewards.dtype))


def gae(
    rewards: Tensor,
    values: Tensor,
    *,
    gamma: float,
    lam: float,
    lengths: Tensor,
    action_mask: Tensor | None = None,
) -> Advantages:
    """Return generalised advantage estimates and returns: (N,), (N,) -> (N,), (N,), constants.

        delta_t = r_t + gamma V_(t+1) - V_t        A_t = delta_t + gamma lam A_(t+1)        return_t = A_t + V_t

    V_t is the value before token t is chosen; after the last token it is 0, also where the length limit cut the
    completion. Tokens that are no actions are skipped as if they were not there; they get advantage 0
    and their own value as return. Source: arXiv 1506.02438, eq. 16.

    Raises:
        DataError: a token that is no action has a reward, which would be lost; or the lengths do not fit.
    """
    owner = _owner(lengths, rewards)
    with torch.no_grad():
        rewards, values = wide(rewards), wide(values)
        if action_mask is None:
            advantages = _gae_rows(rewards, values, owner, lengths, gamma=gamma, lam=lam)
            return Advantages(advantages, advantages + values)
        if bool(rewards[~action_mask].any()):
            remedy = "put rewards on tokens that the policy chose"
            raise DataError("a token outside the action mask has a reward", where="gae", remedy=remedy)
        kept = owner[action_mask]
        counts = torch.zeros_like(lengths).index_add(0, kept, torch.ones_like(kept))
        advantages = torch.zeros_like(values)
        advantages[action_mask] = _gae_rows(
            rewards[action_mask], values[action_mask], kept, counts, gamma=gamma, lam=lam
        )
        return Advantages(advantages, advantages + values)


def _gae_rows(rewards: Tensor, values: Tensor, owner: Tensor, lengths: Tensor, *, gamma: float, lam: float) -> Tensor:
    """Run the recursion over time for all completions at once; `owner` (N,) is each token's row of `lengths` (B,)."""
    if not len(rewards):
        return torch.zeros_like(rewards)
    time = torch.arange(len(owner), device=owner.device) - (lengths.cumsum(0) - lengths)[owner]
    shape = (int(lengths.max()) + 1, len(lengths))  # one row more: the value after the end
    # Zeros behind a completion's end are exactly its terminal state: no mask is needed in the loop.
    rewards_TB, values_TB = rewards.new_zeros(shape), values.new_zeros(shape)
    rewards_TB[time, owner], values_TB[time, owner] = rewards, values
    advantages_TB = rewards_TB[:-1] + gamma * values_TB[1:] - values_TB[:-1]
    for t in range(shape[0] - 3, -1, -1):
        advantages_TB[t] += gamma * lam * advantages_TB[t + 1]
    return advantages_TB[time, owner]


def moments(values: Tensor) -> Moments:
    """Return mean, biased variance and number of (N,) values, in fp64; an empty tensor has (0, 0, 0)."""
    if not len(values):
        return Moments(0.0, 0.0, 0)
    var, mean = torch.var_mean(values.detach().double(), correction=0)
    return Moments(float(mean), float(var), len(values))


def pooled(parts: Sequence[Moments]) -> Moments:
    """Return the moments of all parts' values together, such as those of all ranks (Chan et al. 1979)."""
    n = sum(part.n for part in parts)
    if not n:
        return Moments(0.0, 0.0, 0)
    mean = sum(part.n * part.mean for part in parts) / n
    return Moments(mean, sum(part.n * (part.var + (part.mean - mean) ** 2) for part in parts) / n, n)


def whiten(
    values: Tensor,
    *,
    shift_mean: bool = True,
    unbiased: bool = False,
    eps: float = 1e-8,
    statistics: Moments | None = None,
) -> Tensor:
    """Return `(x - mean) / sqrt(var + eps)` of (N,) real tokens, plus the mean again unless `shift_mean`.

    Pass only tokens that count: there is no mask, and no padding to get into the statistics. `statistics` are those of
    the global batch (`pooled`); without them, of `values`. `unbiased` divides the variance by n - 1; a single value
    has variance 0 either way. Source: Ziegler et al. 2019 (code, `whiten`).
    """
    mean, var, n = moments(values) if statistics is None else statistics
    if unbiased and n > 1:
        var *= n / (n - 1)
    whitened = (wide(values) - mean) / math.sqrt(var + eps)
    return whitened if shift_mean else whitened + mean


def clipped_policy_loss(
    logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, *, clip_range: float
) -> ClippedLoss:
    """Return PPO's loss per token: (N,), (N,), (N,) -> (N,); the gradient goes to `logprobs`.

        rho = p / p_old        loss = max(-A rho, -A clip(rho, 1 - clip_range, 1 + clip_range))

    Source: arXiv 1707.06347, eq. 7.
    """
    ratio = torch.exp(wide(logprobs) - wide(old_logprobs).detach())
    constant = wide(advantages).detach()
    plain = -constant * ratio
    limited = -constant * ratio.clamp(1 - clip_range, 1 + clip_range)
    return ClippedLoss(torch.maximum(plain, limited), (limited > plain).detach())


def clipped_value_loss(values: Tensor, old_values: Tensor, returns: Tensor, *, clip_range: float | None) -> ClippedLoss:
    """Return the value function's loss per token: (N,), (N,), (N,) -> (N,); the gradient goes to `values`.

        loss = max((V - R)^2, (clip(V, V_old - clip_range, V_old + clip_range) - R)^2) / 2

    Without `clip_range`, `(V - R)^2 / 2`. Source: Ziegler et al. 2019 (code).
    """
    values, old, target = wide(values), wide(old_values).detach(), wide(returns).detach()
    plain = (values - target).square() / 2
    if clip_range is None:
        return ClippedLoss(plain, torch.zeros_like(plain, dtype=torch.bool))
    limited = (values.clamp(old - clip_range, old + clip_range) - target).square() / 2
    return ClippedLoss(torch.maximum(plain, limited), (limited > plain).detach())


def group_advantages(
    scores: Tensor, group: Tensor, *, scale: GroupScale, unbiased: bool = True, eps: float = 1e-4
) -> GroupAdvantages:
    """Return each completion's advantage over the others of its prompt: (B,), (B,) -> (B,), constants.

    `group` (B,) integers from 0: completions with the same number answer the same prompt, in any order. Per group of k:

        "std"   (r - mean) / (std + eps)      GRPO, arXiv 2402.03300, section 4.1.2
        "none"  r - mean                      Dr. GRPO, arXiv 2503.20783; k/(k-1) times smaller than
        "rloo"  r - mean of the others        RLOO, arXiv 2402.14740, the unbiased one

    `unbiased` divides the variance by k - 1. A score of NaN is a completion that could not be scored: it stays out of
    the statistics and gets advantage 0, as does all of a group whose scores are equal or that has one score only.

    Raises:
        ConfigError: the scale is unknown.
    """
    if scale not in ("std", "none", "rloo"):
        raise ConfigError(f"unknown scale {scale!r}", where="group_advantages", remedy="use std, none or rloo")
    exact = scores.detach().double()
    scored = ~exact.isnan()
    safe = torch.where(scored, exact, torch.zeros_like(exact))
    groups = int(group.max()) + 1 if len(group) else 0
    zeros = exact.new_zeros(groups)
    k = zeros.index_add(0, group, scored.double())
    mean = zeros.index_add(0, group, safe) / k.clamp(min=1)
    centred = torch.where(scored, safe - mean[group], torch.zeros_like(safe))
    # Equality is asked of the scores: their variance may differ from 0 by rounding, and would be divided by eps.
    highest = (zeros - torch.inf).scatter_reduce(0, group[scored], exact[scored], "amax")
    lowest = (zeros + torch.inf).scatter_reduce(0, group[scored], exact[scored], "amin")
    varied = highest > lowest
    if scale == "rloo":
        centred = centred * (k / (k - 1).clamp(min=1))[group]
    elif scale == "std":
        var = zeros.index_add(0, group, centred.square()) / (k - int(unbiased)).clamp(min=1)
        centred = centred / (var.sqrt() + eps)[group]
    advantages = torch.where(varied[group], centred, torch.zeros_like(centred)).to(wide(scores).dtype)
    return GroupAdvantages(advantages, groups, int((~varied).sum()), int((~scored).sum()))


def token_weights(lengths: Tensor, *, mode: TokenAggregation, max_length: int | None = None) -> TokenWeights:
    """Return what each token's loss counts, and the divisor: (B,) -> (N,).

        "token"     1             / number of tokens               DAPO, arXiv 2503.14476; the default of PPO
        "sequence"  1 / length    / number of completions          GRPO, arXiv 2402.03300
        "constant"  1             / (completions x max_length)     Dr. GRPO, arXiv 2503.20783

    The loss is `sum(weights * losses)` divided by the denominators' sum over the whole step (all micro-batches, all
    ranks), so it does not depend on how the step was cut up. Completions without tokens count nowhere.

    Raises:
        ConfigError: the mode is unknown, or "constant" lacks a positive `max_length`.
    """
    per_token = torch.repeat_interleave(lengths, lengths)
    ones = torch.ones_like(per_token, dtype=torch.float32)
    completions = float((lengths > 0).sum())
    if mode == "token":
        return TokenWeights(ones, float(len(ones)))
    if mode == "sequence":
        return TokenWeights(ones / per_token, completions)
    if mode == "constant":
        if max_length is None or max_length < 1:
            raise ConfigError(f"must be positive, not {max_length}", where="max_length")
        return TokenWeights(ones, completions * max_length)
    raise ConfigError(f"unknown mode {mode!r}", where="aggregation", remedy="use token, sequence or constant")


def _owner(lengths: Tensor, tokens: Tensor) -> Tensor:
    """Return the completion (N,) that each token belongs to."""
    owner = torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), lengths)
    if owner.shape != tokens.shape:
        raise DataError(f"the lengths add up to {len(owner)}, there are {len(tokens)} tokens", where="lengths")
    return owner
