"""How far a student's distribution over the next token is from its teacher's: the generalised JSD of GKD.

Shapes: M tokens, d and e hidden widths of student and teacher, V vocabulary, m rows of one chunk (m <= M). With P the
teacher's and Q the student's distribution, both after the temperature, and R = beta P + (1 - beta) Q
(Agarwal et al., "On-Policy Distillation of Language Models", arXiv 2306.13649, section 2):

    D_beta = beta KL(P || R) + (1 - beta) KL(Q || R)        0 < beta < 1
    D_0 = KL(P || Q)  (forward: cover what the teacher says)        D_1 = KL(Q || P)  (reverse: say what it would say)

D_beta itself goes to 0 at both ends; D_beta / beta goes to the forward KL and D_beta / (1 - beta) to the reverse one,
which are therefore what is computed at 0 and 1. The gradient with respect to the student's logits z is

    0: Q - P        between: (1 - beta) Q (log(Q / R) - KL(Q || R))        1: Q (log(Q / P) - KL(Q || P))

Samples are constants: nothing is differentiated through the choice of tokens (as in the paper). The temperature divides
both sides' logits; the loss is not multiplied by its square.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.losses.precision import wide_dtype
from tunesmith.losses.projection import Gradients, Head, chunks_of, prepared, scaled


class Projected(NamedTuple):
    """One side's hidden states (M, d) and its vocabulary projection: weight (V, d), bias (V,), soft cap."""

    hidden: Tensor
    weight: Tensor
    bias: Tensor | None = None
    softcap: float | None = None


class Divergence(NamedTuple):
    """`total`: the sum over tokens; `tokens` (M,): each token's divergence in nats, without gradient."""

    total: Tensor
    tokens: Tensor


def generalised_jsd(student_logits: Tensor, teacher_logits: Tensor, *, beta: float) -> Tensor:
    """Return D_beta of each row: (M, V), (M, V) -> (M,), in fp32 or wider.

    The plain version of `divergence_sum`, for logits that exist already. Equation and source: the module's docstring.

    Raises:
        ConfigError: beta is not between 0 and 1.
    """
    _check(beta)
    q = torch.log_softmax(student_logits, dim=-1, dtype=wide_dtype(student_logits.dtype))
    p = torch.log_softmax(teacher_logits, dim=-1, dtype=q.dtype)
    return _divergence(q, p, beta).value


def divergence_sum(student: Projected, teacher: Projected, *, beta: float, temperature: float = 1.0) -> Divergence:
    """Return the sum of D_beta over tokens, and each token's.

    Gradients reach the student's hidden states, weight and bias; the teacher is constant. The logits of all rows never
    exist at once. Equation and source: the module's docstring.

    Raises:
        ConfigError: beta is not between 0 and 1; temperature or a soft cap is not positive.
        DataError: the sides have different numbers of tokens, or vocabularies of different sizes.
    """
    _check(beta)
    if len(student.hidden) != len(teacher.hidden) or len(student.weight) != len(teacher.weight):
        raise DataError(
            f"{len(student.hidden)} tokens over {len(student.weight)} words against {len(teacher.hidden)} over "
            f"{len(teacher.weight)}",
            where="divergence_sum",
        )
    heads = Head(temperature, student.softcap), Head(temperature, teacher.softcap)
    ours = prepared(student.hidden, student.weight, student.bias, heads[0])
    with torch.no_grad():
        hidden, weight, bias = prepared(teacher.hidden, teacher.weight, teacher.bias, heads[1])
    total, tokens = _DivergenceSum.apply(*ours, (hidden, weight.to(hidden.dtype), bias), heads, beta)  # type: ignore[no-untyped-call]
    return Divergence(total, tokens)


class _Rows(NamedTuple):
    value: Tensor  # (m,)
    ratio: Tensor  # (m, V): dD/dQ but for a constant, which the softmax takes out; unused at beta = 0


def _divergence(q: Tensor, p: Tensor, beta: float) -> _Rows:
    """Return D_beta from log-probs of student and teacher (m, V)."""
    if beta == 0:
        return _Rows((p.exp() * (p - q)).sum(-1), p)
    if beta == 1:
        return _Rows((q.exp() * (q - p)).sum(-1), q - p)
    r = torch.logaddexp(p + math.log(beta), q + math.log1p(-beta))
    value = beta * (p.exp() * (p - r)).sum(-1) + (1 - beta) * (q.exp() * (q - r)).sum(-1)
    return _Rows(value, (1 - beta) * (q - r))


def _to_logits(q: Tensor, p: Tensor, ratio: Tensor, beta: float) -> Tensor:
    """Return the gradient with respect to the student's logits (m, V)."""
    if beta == 0:
        return q.exp() - p.exp()
    student = q.exp()
    return student * (ratio - (student * ratio).sum(-1, keepdim=True))


class _DivergenceSum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        teacher: tuple[Tensor, Tensor, Tensor | None],
        heads: tuple[Head, Head],
        beta: float,
    ) -> tuple[Tensor, Tensor]:
        wanted, weight_dtype = ctx.needs_input_grad[:3], weight.dtype
        weight = weight.to(hidden.dtype)
        gradients = Gradients(hidden, weight, bias, wanted)
        tokens = hidden.new_empty(len(hidden), dtype=wide_dtype(hidden.dtype))
        with torch.autocast(hidden.device.type, enabled=False):
            for rows in chunks_of(hidden, weight):
                z = heads[0].logits(hidden[rows], weight, bias)
                slope = heads[0].slope(z) if any(wanted) else None
                q = torch.log_softmax(z, dim=-1)
                p = torch.log_softmax(heads[1].logits(teacher[0][rows], teacher[1], teacher[2]).to(q.dtype), dim=-1)
                divergence = _divergence(q, p, beta)
                tokens[rows] = divergence.value
                if any(wanted):
                    gradients.add(rows, heads[0].to_raw_(_to_logits(q, p, divergence.ratio, beta), slope))
        ctx.save_for_backward(*gradients.finished(weight_dtype))
        ctx.mark_non_differentiable(tokens)
        return tokens.sum(), tokens

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_total: Tensor, _grad_tokens: Tensor | None) -> tuple[Tensor | None, ...]:
        return *scaled(ctx.saved_tensors, grad_total), None, None, None


def _check(beta: float) -> None:
    if not 0 <= beta <= 1:
        raise ConfigError(f"must be between 0 and 1, not {beta}", where="beta")
