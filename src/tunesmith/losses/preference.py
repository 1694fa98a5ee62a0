"""Losses on what people prefer: the K-wise reward model loss, the DPO family, SimPO, ORPO and KTO, and their measures.

Shapes: S scored completions; P pairs; B completions. Log-probabilities are sums over the completion's tokens, its end
token included, prompt and padding excluded. With policy sums `lw`, `ll` (chosen, rejected) and reference `rw`, `rl`:

    h = (lw - rw) - (ll - rl)        sigma(x) = 1 / (1 + exp(-x))

All losses are per pair (or per completion), in fp32 or wider; `kwise_loss` returns their weighted sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Literal, NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, relu

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.losses.precision import wide

T = TypeVar("T")
Divisor = Literal["surviving", "all"]
DpoVariant = Literal["sigmoid", "cdpo", "robust", "ipo_sum", "hinge"]


class KwisePairs(NamedTuple):
    """The comparisons behind some rankings.

    `pairs` (P, 2) indices (winner, loser); `weights` (P,), which add up to at most the ranking's own weight;
    `rankings` with at least one pair, `total` of their weights: the loss's denominator; `skipped` rankings without any
    pair (all tied, or fewer than two ranked).
    """

    pairs: Tensor
    weights: Tensor
    rankings: int
    skipped: int
    total: float


class PairAccuracy(NamedTuple):
    """How many pairs a model orders as the labeler did; `tied` includes the `undefined` ones (a score is NaN)."""

    correct: int
    wrong: int
    tied: int
    undefined: int

    @property
    def n(self) -> int:
        """All pairs."""
        return self.correct + self.wrong + self.tied

    @property
    def accuracy(self) -> float:
        """(correct + tied / 2) / n, so that a constant model has 0.5; NaN without pairs."""
        return (self.correct + self.tied / 2) / self.n if self.n else math.nan


class Calibration(NamedTuple):
    """Reliability table over equal bins of confidence in [0.5, 1], and the expected calibration `error` from it.

    `confidences` and `frequencies` (bins,) are means within a bin, NaN where `counts` (bins,) is 0; `undefined`
    pairs have a NaN margin and are in no bin.
    """

    error: float
    confidences: tuple[float, ...]
    frequencies: tuple[float, ...]
    counts: tuple[int, ...]
    undefined: int


def pairs_of(order: Sequence[Sequence[T]]) -> list[tuple[T, T]]:
    """Return (winner, loser) for each two ranked completions that are not tied.

    `order` lists groups, best first; completions inside one group are tied. What it does not list was not ranked and
    is in no pair.
    """
    return [(winner, loser) for better, worse in combinations(order, 2) for winner in better for loser in worse]


def kwise_pairs(
    orders: Sequence[Sequence[Sequence[int]]], *, divisor: Divisor = "surviving", weights: Sequence[float] | None = None
) -> KwisePairs:
    """Return the pairs of several rankings, each of which weighs 1, or its own weight, however many it ranks.

    `orders[i]` is one labeler's ranking of one prompt, as in `pairs_of`, its entries indices into the batch's scores.
    `weights[i]` is how much the ranking counts, such as the trust in its labeler; None: 1 each.
    A pair weighs 1 / (pairs of its ranking): those that ties left ("surviving"), or all C(K, 2) of the K completions
    ranked ("all"), which makes rankings with ties count less. The paper does not say which.
    Source: InstructGPT, arXiv 2203.02155, eq. 1.

    Raises:
        ConfigError: the divisor is unknown.
    """
    if divisor not in ("surviving", "all"):
        raise ConfigError(f"unknown divisor {divisor!r}", where="divisor", remedy="use surviving or all")
    pairs: list[tuple[int, int]] = []
    shares: list[float] = []
    skipped, total = 0, 0.0
    for order, weight in zip(orders, [1.0] * len(orders) if weights is None else weights, strict=True):
        found = pairs_of(order)
        if not found:
            skipped += 1
            continue
        ranked = sum(len(group) for group in order)
        total += weight
        pairs += found
        shares += [weight / (len(found) if divisor == "surviving" else math.comb(ranked, 2))] * len(found)
    indices = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2)
    return KwisePairs(indices, torch.tensor(shares, dtype=torch.float32), len(orders) - skipped, skipped, total)


def kwise_loss(
    scores: Tensor,
    pairs: Tensor,
    *,
    weights: Tensor | None = None,
    margin: Tensor | float = 0.0,
    centring: float = 0.0,
) -> Tensor:
    """Return the reward model's loss, summed over pairs: (S,), (P, 2), (P,) -> scalar.

        sum_p weight_p [ -log sigma(r_w - r_l - margin_p) + centring (r_w + r_l)^2 ]

    `pairs` and `weights` come from `kwise_pairs` (weights None: all 1); `margin` is a number or (P,).
    Source: InstructGPT, arXiv 2203.02155, eq. 1; margin: Llama 2, arXiv 2307.09288, eq. 2; centring: Eisenstein et
    al., arXiv 2312.09244.
    """
    winners, losers = wide(scores)[pairs].unbind(-1)
    losses = -logsigmoid(winners - losers - margin)
    if centring:
        losses = losses + centring * (winners + losers).square()
    return losses.sum() if weights is None else (losses * weights.to(losses)).sum()


def log_ratio_margin(
    policy_chosen: Tensor, policy_rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor
) -> Tensor:
    """Return h of the module's docstring: (P,) x 4 -> (P,). `beta * h` is DPO's implicit reward margin."""
    return (wide(policy_chosen) - wide(ref_chosen)) - (wide(policy_rejected) - wide(ref_rejected))


def dpo_loss(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    ref_chosen: Tensor,
    ref_rejected: Tensor,
    *,
    beta: float,
    variant: DpoVariant = "sigmoid",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return direct preference losses per pair: (P,) x 4 -> (P,).

    With h of the module's docstring, x = beta h and e = label_smoothing, the rate at which labels are flipped:

        "sigmoid"  -log sigma(x)                                              DPO, arXiv 2305.18290, eq. 7
        "cdpo"     -(1 - e) log sigma(x) - e log sigma(-x)                    Mitchell, "A note on DPO", 2023
        "robust"   [-(1 - e) log sigma(x) + e log sigma(-x)] / (1 - 2 e)      rDPO, arXiv 2403.00409
        "ipo_sum"  (h - 1 / (2 beta))^2                                       IPO, arXiv 2310.12036, eq. 17
        "hinge"    max(0, 1 - x)                                              SLiC, arXiv 2305.10425

    "ipo_sum" takes summed log-probabilities as the paper does; for averages see `ipo_mean_loss`.

    Raises:
        ConfigError: beta is not positive, the variant is unknown, or the variant has no use for the label smoothing.
    """
    _check_dpo(beta, variant, label_smoothing)
    h = log_ratio_margin(policy_chosen, policy_rejected, ref_chosen, ref_rejected)
    if variant == "ipo_sum":
        return (h - 1 / (2 * beta)).square()
    if variant == "hinge":
        return relu(1 - beta * h)
    right, flipped = -logsigmoid(beta * h), -logsigmoid(-beta * h)
    if variant == "cdpo":
        return (1 - label_smoothing) * right + label_smoothing * flipped
    if variant == "robust":
        return ((1 - label_smoothing) * right - label_smoothing * flipped) / (1 - 2 * label_smoothing)
    return right


def _check_dpo(beta: float, variant: str, label_smoothing: float) -> None:
    if not beta > 0:
        raise ConfigError(f"must be positive, not {beta}", where="beta")
    if variant in ("ipo", "ipo_mean"):
        remedy = "use ipo_sum (summed log-probs) here, or the function ipo_mean_loss (averaged log-probs)"
        raise ConfigError(f"{variant!r} is not a variant of dpo_loss", where="variant", remedy=remedy)
    if variant not in ("sigmoid", "cdpo", "robust", "ipo_sum", "hinge"):
        raise ConfigError(f"unknown variant {variant!r}", where="variant")
    if label_smoothing and variant not in ("cdpo", "robust"):
        remedy = "use variant cdpo or robust"
        raise ConfigError(f"{variant!r} ignores label smoothing", where="label_smoothing", remedy=remedy)
    if not 0 <= label_smoothing <= 0.5 or (variant == "robust" and label_smoothing == 0.5):
        raise ConfigError(f"must be a flip rate below 0.5, not {label_smoothing}", where="label_smoothing")


def ipo_mean_loss(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    ref_chosen: Tensor,
    ref_rejected: Tensor,
    *,
    chosen_lengths: Tensor,
    rejected_lengths: Tensor,
    beta: float,
) -> Tensor:
    """Return IPO's loss on log-probabilities averaged over tokens: summed (P,) x 4, lengths (P,) x 2 -> (P,).

    `(h_mean - 1 / (2 beta))^2`, where each term of h is divided by its own completion's length. The same beta means
    something very different than in "ipo_sum" of `dpo_loss`. Source: arXiv 2310.12036, eq. 17, averaged as TRL does.

    Raises:
        ConfigError: beta is not positive.
        DataError: a completion has no tokens.
    """
    _check_dpo(beta, "ipo_sum", 0.0)
    chosen = _per_token(wide(policy_chosen) - wide(ref_chosen), chosen_lengths)
    rejected = _per_token(wide(policy_rejected) - wide(ref_rejected), rejected_lengths)
    return (chosen - rejected - 1 / (2 * beta)).square()


def simpo_loss(
    chosen: Tensor, rejected: Tensor, *, chosen_lengths: Tensor, rejected_lengths: Tensor, beta: float, gamma: float
) -> Tensor:
    """Return SimPO's loss per pair, which needs no reference: summed log-probs (P,) x 2, lengths (P,) x 2 -> (P,).

        -log sigma(beta (lw / |yw| - ll / |yl|) - gamma)

    Source: arXiv 2405.14734 (other code states gamma / beta instead of gamma).

    Raises:
        DataError: a completion has no tokens.
    """
    margin = _per_token(wide(chosen), chosen_lengths) - _per_token(wide(rejected), rejected_lengths)
    return -logsigmoid(beta * margin - gamma)


def orpo_ratio_loss(chosen: Tensor, rejected: Tensor, *, chosen_lengths: Tensor, rejected_lengths: Tensor) -> Tensor:
    """Return ORPO's odds-ratio term per pair: summed log-probs (P,) x 2, lengths (P,) x 2 -> (P,).

        -log sigma(log odds(yw) - log odds(yl))        odds = p / (1 - p)        p = exp(log-prob / length)

    The whole ORPO loss adds the chosen completion's mean NLL. Source: arXiv 2403.07691, section 4.

    Raises:
        DataError: a completion has no tokens.
    """
    odds = _log_odds(_per_token(wide(chosen), chosen_lengths))
    return -logsigmoid(odds - _log_odds(_per_token(wide(rejected), rejected_lengths)))


def kto_mismatch(n: int) -> Tensor:
    """Return for each of n prompts the completion (n,) of another one: a cyclic shift, which has no fixed point.

    For the reference point of `kto_reference_point`. (A reversal would map the middle of an odd batch to itself.)

    Raises:
        DataError: n is less than 2, so no other completion exists.
    """
    if n < 2:
        raise DataError(f"a batch of {n} has no mismatched completion", where="kto", remedy="use at least 2 per batch")
    return torch.arange(1, n + 1) % n


def kto_reference_point(policy: Tensor, ref: Tensor) -> Tensor:
    """Return z0, a statistic: `max(0, mean(log p - log p_ref))` of mismatched completions: (B,), (B,) -> scalar.

    In nats, without gradient. On several ranks gather the log-probs first: a mean of means is not the mean.
    Source: KTO, arXiv 2402.01306, section 4.
    """
    return (wide(policy) - wide(ref)).detach().mean().clamp(min=0)


def kto_loss(
    policy: Tensor,
    ref: Tensor,
    desirable: Tensor,
    *,
    beta: float,
    reference_point: Tensor | float,
    desirable_weight: float = 1.0,
    undesirable_weight: float = 1.0,
) -> Tensor:
    """Return KTO's loss per completion, for labels without pairs: (B,), (B,), (B,) -> (B,).

    With u = log p - log p_ref of the whole completion:

        desirable      desirable_weight   (1 - sigma(beta (u - z0)))
        not desirable  undesirable_weight (1 - sigma(beta (z0 - u)))

    `desirable` True = the answer was good; `reference_point` z0 in nats. Source: arXiv 2402.01306, section 4.

    Raises:
        ConfigError: beta is not positive.
    """
    _check_dpo(beta, "sigmoid", 0.0)
    margin = beta * (wide(policy) - wide(ref) - reference_point)
    good = desirable_weight * torch.sigmoid(-margin)
    return torch.where(desirable, good, undesirable_weight * torch.sigmoid(margin))


def pair_accuracy(scores: Tensor, pairs: Tensor) -> PairAccuracy:
    """Return how often the winner of a pair scores higher: (S,), (P, 2). Equal or NaN scores are ties, never right."""
    winners, losers = scores.detach()[pairs].unbind(-1)
    correct, wrong = int((winners > losers).sum()), int((winners < losers).sum())
    return PairAccuracy(correct, wrong, len(pairs) - correct - wrong, int((winners.isnan() | losers.isnan()).sum()))


def calibration(margins: Tensor, *, bins: int = 10) -> Calibration:
    """Return how well sigma(margin) predicts the labelers: (P,) margins r_w - r_l -> table and error.

    The model's confidence in its own choice is sigma(|margin|); it was right where margin > 0, half right at 0.

        error = sum_b n_b / n |frequency_b - confidence_b|

    Source: expected calibration error, Guo et al. 2017, arXiv 1706.04599, eq. 3.
    """
    defined = margins.detach().double()
    defined = defined[~defined.isnan()]
    confidence = torch.sigmoid(defined.abs())
    right = (defined.sign() + 1) / 2
    bin_of = ((confidence - 0.5) * 2 * bins).long().clamp(max=bins - 1)
    zeros = torch.zeros(bins, dtype=torch.float64, device=margins.device)
    count = zeros.index_add(0, bin_of, torch.ones_like(right))
    mean_confidence = zeros.index_add(0, bin_of, confidence) / count
    frequency = zeros.index_add(0, bin_of, right) / count
    gaps = ((frequency - mean_confidence).abs() * count)[count > 0]
    return Calibration(
        error=float(gaps.sum() / len(defined)) if len(defined) else math.nan,
        confidences=tuple(mean_confidence.tolist()),
        frequencies=tuple(frequency.tolist()),
        counts=tuple(int(c) for c in count.tolist()),
        undefined=len(margins) - len(defined),
    )


def _per_token(total: Tensor, lengths: Tensor) -> Tensor:
    if bool((lengths < 1).any()):
        raise DataError("a completion has no tokens", where="lengths")
    return total / lengths


def _log_odds(logprob: Tensor) -> Tensor:
    """Return log(p / (1 - p)) from log p < 0, accurate at both ends."""
    # p = 1 would have infinite odds and a NaN gradient.
    logprob = logprob.clamp(max=-torch.finfo(logprob.dtype).eps)
    return logprob - torch.log(-torch.expm1(logprob))
