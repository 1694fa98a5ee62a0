"""How far a policy is from its reference: estimators, the loss, the controller, and what best-of-n costs.

Shapes: N sampled tokens, stored flat; P prompts, S samples per prompt. Direction: KL(policy || reference), samples from
the policy, in nats. With `r = p_ref / p_policy` (Schulman, "Approximating KL Divergence", 2020):

    k1 = -log r             unbiased, may be negative, high variance
    k2 = (log r)^2 / 2      biased, low variance
    k3 = (r - 1) - log r    unbiased, never negative

An estimator of the value is not an estimator of the gradient (huggingface/trl#4637). Differentiated with
respect to the log-probs of samples, k1 gives zero on average, k3 the gradient of KL(reference || policy), and k2 the
right one, of KL(policy || reference). So: k1 belongs, detached, into the reward; k3 into the
log; `kl_loss` or k2 into a loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from tunesmith.core.errors import CheckpointError, ConfigError, DataError, NumericalError
from tunesmith.losses.precision import wide


def k1(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """Return `log p - log p_ref` per token: (N,), (N,) -> (N,). Source: the module's docstring."""
    return wide(logprobs) - wide(ref_logprobs)


def k2(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """Return `(log p - log p_ref)^2 / 2` per token: (N,), (N,) -> (N,).

    Safe as a loss on samples of the current policy; against the old log-probs it is the "approximate KL" of PPO's log.
    Source: the module's docstring.
    """
    return k1(logprobs, ref_logprobs).square() / 2


def k3(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """Return `(r - 1) - log r`, r = p_ref / p, per token: (N,), (N,) -> (N,), never negative.

    For the log, not as a loss. Source: the module's docstring.
    """
    difference = k1(logprobs, ref_logprobs)
    # expm1 keeps the small values that exp(x) - 1 rounds away, and with them the sign.
    return torch.expm1(-difference) + difference


def kl_loss(logprobs: Tensor, old_logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """Return `(p / p_old) * k3` per token: (N,), (N,), (N,) -> (N,).

    Its expected gradient is that of KL(policy || reference). The samples come from `old_logprobs`' policy (a constant),
    which need not be the current one any more: the importance ratio corrects both the value and the gradient.
    Source: DeepSeek-V3.2 (technical report, 2025), eq. 7.
    """
    ratio = torch.exp(k1(logprobs, old_logprobs.detach()))
    return ratio * k3(logprobs, ref_logprobs.detach())


class AdaptiveKLController:
    """The KL coefficient, fixed or steered towards a target (Ziegler et al. 2019, arXiv 1909.08593, section 2.2).

        e = clip(KL / target - 1, -0.2, 0.2)        coef <- coef * (1 + e * n / horizon)

    KL is summed over the tokens of a completion and averaged over completions (nats per completion, not per token),
    over all ranks; n is the number of episodes behind it. Without a target the coefficient is fixed.
    """

    MAX_ERROR = 0.2

    def __init__(self, coef: float, *, target: float | None = None, horizon: float = 10_000.0) -> None:
        """Start at `coef`; `target` in nats per completion, `horizon` in episodes.

        Raises:
            ConfigError: the coefficient is negative or not finite, or target or horizon is not positive.
        """
        if not 0 <= coef < math.inf:
            raise ConfigError(f"must be at least 0, not {coef}", where="kl_coef")
        if target is not None and not target > 0:
            raise ConfigError(
                f"must be positive, not {target}", where="kl_target", remedy="leave it out to fix kl_coef"
            )
        if not horizon > 0:
            raise ConfigError(f"must be positive, not {horizon}", where="kl_horizon")
        self.coef = coef
        self.target = target
        self.horizon = horizon

    def update(self, kl: float, episodes: int) -> float:
        """Return the new coefficient after `episodes` completions whose mean KL was `kl` nats.

        Raises:
            NumericalError: the KL is not finite.
            ConfigError: one update could bring the coefficient to zero or below.
        """
        if not math.isfinite(kl):
            raise NumericalError(f"the KL to the reference is {kl}", where="kl")
        if self.target is None:
            return self.coef
        if self.MAX_ERROR * episodes >= self.horizon:
            why = "the coefficient would reach zero in one update"
            remedy = f"use more than {self.MAX_ERROR * episodes:g}"
            raise ConfigError(
                f"{self.horizon:g} is too short for {episodes} episodes", where="kl_horizon", why=why, remedy=remedy
            )
        error = min(max(kl / self.target - 1, -self.MAX_ERROR), self.MAX_ERROR)
        self.coef *= 1 + error * episodes / self.horizon
        return self.coef

    def state_dict(self) -> dict[str, float]:
        """Return what changes while training, as JSON values."""
        return {"coef": self.coef}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue from a `state_dict`.

        Raises:
            CheckpointError: the coefficient is missing or not a number.
        """
        coef = state.get("coef")
        if isinstance(coef, bool) or not isinstance(coef, int | float):
            raise CheckpointError(f"the KL coefficient is {coef!r}", where="kl_controller.coef")
        self.coef = float(coef)


def best_of_n_kl(n: int) -> float:
    """Return `log n - (n - 1) / n` nats: what choosing the best of n samples costs in KL from the sampled policy.

    Exact where no two samples are equal, an upper bound otherwise (Beirami et al., arXiv 2401.01879).

    Raises:
        ConfigError: n is less than 1.
    """
    if n < 1:
        raise ConfigError(f"must be at least 1, not {n}", where="best_of_n")
    return math.log(n) - (n - 1) / n


def best_of_n_value(proxy_scores: Tensor, values: Tensor, n: int) -> Tensor:
    """Return the unbiased estimate of the mean `values` of the best of n samples: (P, S), (P, S) -> (P,), in fp64.

    The best is chosen by `proxy_scores`; `values` is what one wants to know of it, such as the gold score. With the S
    samples of a prompt sorted by proxy, worst first, the i-th wins `C(i-1, n-1)` of the `C(S, n)` subsets:

        estimate = sum_i C(i-1, n-1) / C(S, n) * values_(i)

    Equal proxy scores share their subsets evenly, as if the winner were drawn among them. Works on (S,) too.
    Source: Nakano et al. 2021 (WebGPT, arXiv 2112.09332), appendix.

    Raises:
        ConfigError: n is less than 1 or more than S.
        DataError: a proxy score is not a number, so it has no place in the order.
    """
    samples = proxy_scores.shape[-1]
    if not 1 <= n <= samples:
        raise ConfigError(f"must lie between 1 and the {samples} samples of a prompt, not {n}", where="best_of_n")
    if bool(proxy_scores.isnan().any()):
        raise DataError("a proxy score is not a number", where="best_of_n_value", remedy="leave unscored samples out")
    order = proxy_scores.argsort(-1)
    ranked = proxy_scores.gather(-1, order).contiguous()
    # cumulative[i] = C(i, n) / C(S, n), the share of subsets that lie within the i lowest samples;
    # from C(i-1, n) = C(i, n) (i - n) / i, downwards from cumulative[S] = 1, so that nothing overflows.
    rank = torch.arange(samples, 0, -1, dtype=torch.float64, device=proxy_scores.device)
    falling = torch.cumprod(((rank - n) / rank).clamp(min=0), 0)
    cumulative = torch.cat([falling.flip(0), falling.new_ones(1)])
    first = torch.searchsorted(ranked, ranked)
    last = torch.searchsorted(ranked, ranked, right=True)
    weights = (cumulative[last] - cumulative[first]) / (last - first)
    return (weights * values.gather(-1, order).double()).sum(-1)
