"""Log-probabilities and negative log-likelihood of tokens, without ever keeping the logits of a whole batch.

Shapes: M target tokens, d hidden width, V vocabulary, m rows of one chunk (m <= M).

For hidden state h, projection weight W and bias b, soft cap c (Gemma 2, arXiv 2408.00118, section 2) and sampling
temperature T (it belongs into every log-probability: rollout, reference and update):

    raw = W h + b        capped = c tanh(raw / c)        z = capped / T        log p(y) = z_y - logsumexp(z)

Full logits would be M x V floats, for most models the largest tensor of a training step. Here rows are projected chunk
by chunk; what is kept for the backward pass is one logsumexp per row (`projected_logprobs`, which projects again) or
the gradients themselves (`nll_sum`, which projects once).

The matrix products run in the dtype of the hidden states (or of autocast); everything after them in fp32 or wider.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tunesmith.core.errors import DataError
from tunesmith.losses.precision import wide_dtype
from tunesmith.losses.projection import Gradients, Head, chunks_of, prepared, scaled
from tunesmith.losses.softmax_rows import SoftmaxRows, computes, softmax_rows_


class LogprobOutput(NamedTuple):
    """`logprobs` (M,) of the targets, in nats; `entropy` (M,) of each row's distribution, without gradient, or None."""

    logprobs: Tensor
    entropy: Tensor | None


class NLLOutput(NamedTuple):
    """`total`: the weighted sum of negative log-likelihoods; `logprobs` (M,) of the targets, without gradient."""

    total: Tensor
    logprobs: Tensor


def token_logprobs(logits: Tensor, targets: Tensor) -> Tensor:
    """Return log p(target) of each row: (M, V), (M,) -> (M,), in fp32 or wider.

    The plain version of `projected_logprobs`, for logits that exist already. Equation: `logits_y - logsumexp(logits)`.
    """
    logprobs = torch.log_softmax(logits, dim=-1, dtype=wide_dtype(logits.dtype))
    return logprobs.gather(-1, targets[:, None])[:, 0]


def projected_logprobs(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    *,
    bias: Tensor | None = None,
    temperature: float = 1.0,
    softcap: float | None = None,
    with_entropy: bool = False,
) -> LogprobOutput:
    """Return log p(target) of each hidden state: (M, d), (V, d), (M,) -> (M,), in fp32 or wider.

    `bias` is (V,). Every token may receive its own upstream gradient (policy losses need that); gradients reach
    `hidden`, `weight` and `bias`. There is no ignore index: pass only the rows that have a target.
    Equation and source: the module's docstring; entropy is `-sum_v p_v log p_v`.

    Raises:
        ConfigError: temperature or soft cap is not positive.
        DataError: the number of targets differs from the number of hidden states.
    """
    head = Head(temperature, softcap)
    hidden, weight, bias = _checked(hidden, weight, bias, targets, head)
    logprobs, entropy = _ProjectedLogprobs.apply(hidden, weight, bias, targets, head, with_entropy)  # type: ignore[no-untyped-call]
    return LogprobOutput(logprobs, entropy if with_entropy else None)


def nll_sum(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    weights: Tensor | None = None,
    *,
    bias: Tensor | None = None,
    temperature: float = 1.0,
    softcap: float | None = None,
) -> Tensor:
    """Return `-sum_m weights_m log p(targets_m)`: (M, d), (V, d), (M,), (M,) -> scalar, in fp32 or wider.

    See `nll_and_logprobs`.
    """
    return nll_and_logprobs(hidden, weight, targets, weights, bias=bias, temperature=temperature, softcap=softcap).total


def nll_and_logprobs(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    weights: Tensor | None = None,
    *,
    bias: Tensor | None = None,
    temperature: float = 1.0,
    softcap: float | None = None,
) -> NLLOutput:
    """Return `-sum_m weights_m log p(targets_m)` and the log-probs themselves: (M, d), (V, d), (M,), (M,) -> (), (M,).

    The gradients are computed together with the value, so the vocabulary projection runs once where
    `projected_logprobs` runs it twice. `weights` (M,) are constants, 1 when None. `bias` is (V,).
    Source: InstructGPT, arXiv 2203.02155, section 3.5 (SFT) and eq. 2, third term (ptx).

    Raises:
        ConfigError: temperature or soft cap is not positive.
        DataError: the numbers of hidden states, targets and weights differ.
    """
    head = Head(temperature, softcap)
    hidden, weight, bias = _checked(hidden, weight, bias, targets, head)
    if weights is not None and weights.shape != targets.shape:
        raise DataError(f"{tuple(weights.shape)} weights for {tuple(targets.shape)} targets", where="nll_sum")
    row_weights = torch.ones_like(targets, dtype=wide_dtype(hidden.dtype)) if weights is None else weights.detach()
    total, logprobs = _NLLSum.apply(hidden, weight, bias, targets, row_weights, head)  # type: ignore[no-untyped-call]
    return NLLOutput(total, logprobs)


class _ProjectedLogprobs(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        head: Head,
        with_entropy: bool,
    ) -> tuple[Tensor, Tensor]:
        ctx.weight_dtype, weight = weight.dtype, weight.to(hidden.dtype)
        logprobs = hidden.new_empty(targets.shape, dtype=wide_dtype(hidden.dtype))
        logsumexp = torch.empty_like(logprobs)
        entropy = torch.empty_like(logprobs) if with_entropy else logprobs.new_empty(0)
        with torch.autocast(hidden.device.type, enabled=False):
            for rows in chunks_of(hidden, weight):
                found = _read(head, hidden[rows], weight, bias, targets[rows], with_entropy)
                logprobs[rows], logsumexp[rows] = found.logprobs, found.logsumexp
                if found.entropy is not None:
                    entropy[rows] = found.entropy
        ctx.save_for_backward(hidden, weight, bias, targets, logsumexp)
        ctx.head = head
        ctx.mark_non_differentiable(entropy)
        return logprobs, entropy

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_logprobs: Tensor, _grad_entropy: Tensor | None) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, targets, logsumexp = ctx.saved_tensors
        gradients = Gradients(hidden, weight, bias, ctx.needs_input_grad)
        with torch.autocast(hidden.device.type, enabled=False):
            for rows in chunks_of(hidden, weight):
                # d log p_y / dz = onehot(y) - p
                grad = _gradient(
                    ctx.head, hidden[rows], weight, bias, targets[rows], -grad_logprobs[rows], logsumexp[rows]
                )
                gradients.add(rows, grad)
        return *gradients.finished(ctx.weight_dtype), None, None, None


class _NLLSum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        weights: Tensor,
        head: Head,
    ) -> tuple[Tensor, Tensor]:
        wanted, weight_dtype = ctx.needs_input_grad[:3], weight.dtype
        weight = weight.to(hidden.dtype)
        gradients = Gradients(hidden, weight, bias, wanted)
        total = hidden.new_zeros((), dtype=wide_dtype(hidden.dtype))
        logprobs = hidden.new_empty(targets.shape, dtype=total.dtype)
        with torch.autocast(hidden.device.type, enabled=False):
            for rows in chunks_of(hidden, weight):
                row_weights = weights[rows].to(total.dtype)
                logprobs[rows], grad = _nll(
                    head, hidden[rows], weight, bias, targets[rows], row_weights if any(wanted) else None
                )
                total -= row_weights @ logprobs[rows]
                if grad is not None:
                    gradients.add(rows, grad)
        ctx.save_for_backward(*gradients.finished(weight_dtype))
        ctx.mark_non_differentiable(logprobs)
        return total, logprobs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor, _grad_logprobs: Tensor | None) -> tuple[Tensor | None, ...]:
        return *scaled(ctx.saved_tensors, grad_loss), None, None, None


def _raw(head: Head, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor | None:
    """Return the projected rows (m, V) where the kernel reads them as they are; elsewhere nothing is projected."""
    return hidden @ weight.T if head.is_plain(bias) and computes(hidden) else None


def _read(
    head: Head, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, with_entropy: bool
) -> SoftmaxRows:
    """Return what is known of a chunk's distributions."""
    raw = _raw(head, hidden, weight, bias)
    if raw is not None:
        return softmax_rows_(raw, targets, scale=1 / head.temperature, with_entropy=with_entropy)
    z = head.logits(hidden, weight, bias)
    distribution = torch.log_softmax(z, dim=-1)
    logprobs = distribution.gather(-1, targets[:, None])[:, 0]
    entropy = -torch.einsum("mv,mv->m", distribution.exp(), distribution) if with_entropy else None
    return SoftmaxRows(logprobs, z.gather(-1, targets[:, None])[:, 0] - logprobs, entropy)


def _gradient(
    head: Head,
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    targets: Tensor,
    coefficients: Tensor,
    logsumexp: Tensor,
) -> Tensor:
    """Return coefficients (m,) * (p - onehot(targets)) with respect to the projected rows (m, V)."""
    raw = _raw(head, hidden, weight, bias)
    if raw is not None:
        softmax_rows_(raw, targets, coefficients, scale=1 / head.temperature)
        return raw
    z = head.logits(hidden, weight, bias)
    slope = head.slope(z)
    probabilities = z.sub_(logsumexp[:, None]).exp_()
    return head.to_raw_(_residual_(probabilities, targets, coefficients), slope)


def _nll(
    head: Head, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, weights: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Return a chunk's log-probs (m,) and, with `weights` (m,), the gradient with respect to the projected rows."""
    raw = _raw(head, hidden, weight, bias)
    if raw is not None:
        found = softmax_rows_(raw, targets, weights, scale=1 / head.temperature)
        return found.logprobs, None if weights is None else raw
    z = head.logits(hidden, weight, bias)
    slope = None if weights is None else head.slope(z)
    distribution = torch.log_softmax(z, dim=-1)
    logprobs = distribution.gather(-1, targets[:, None])[:, 0]
    if weights is None:
        return logprobs, None
    return logprobs, head.to_raw_(_residual_(distribution.exp_(), targets, weights), slope)


def _residual_(probabilities: Tensor, targets: Tensor, coefficients: Tensor) -> Tensor:
    """Return coefficients (m,) * (probabilities (m, V) - onehot(targets)), overwriting the probabilities."""
    probabilities.mul_(coefficients[:, None])
    return probabilities.scatter_add_(-1, targets[:, None], -coefficients[:, None])


def _checked(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, head: Head
) -> tuple[Tensor, Tensor, Tensor | None]:
    if targets.shape != hidden.shape[:1]:
        raise DataError(f"{tuple(targets.shape)} targets for hidden states {tuple(hidden.shape)}", where="logprobs")
    return prepared(hidden, weight, bias, head)
