"""The softmax over a vocabulary as one call for many rows (native/softmax.cpp), where the processor computes it.

Shapes: m rows, V vocabulary.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from tunesmith.native.library import call, native


class SoftmaxRows(NamedTuple):
    """Of p = softmax(scale z): `logprobs` (m,) of the targets, `logsumexp` (m,), `entropy` (m,) or None; in fp32."""

    logprobs: Tensor
    logsumexp: Tensor
    entropy: Tensor | None


def computes(like: Tensor) -> bool:
    """Whether the kernel takes contiguous rows of this device and dtype: the processor's, fp32 or bf16."""
    return like.device.type == "cpu" and like.dtype in (torch.float32, torch.bfloat16) and native().library is not None


def covers(z: Tensor) -> bool:
    """Whether the kernel computes these rows: as `computes`, and contiguous."""
    return z.is_contiguous() and computes(z)


def softmax_rows_(
    z: Tensor, targets: Tensor, weights: Tensor | None = None, *, scale: float = 1.0, with_entropy: bool = False
) -> SoftmaxRows:
    """Return what a loss wants to know of rows z (m, V) with targets (m,), 0 <= target < V.

    With `weights` (m,), z becomes weights * scale * (p - onehot(target)), the gradient of -weights log p(target) with
    respect to z, in z's dtype.

    Raises:
        IndexError: a target is not in the vocabulary.
    """
    assert covers(z)
    if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < z.shape[1]:
        raise IndexError(f"a target is not one of {z.shape[1]} tokens")
    logprobs, logsumexp = (torch.empty(len(z), dtype=torch.float32) for _ in range(2))
    entropy = torch.empty_like(logprobs) if with_entropy else None
    factors = None if weights is None else weights.to(torch.float32).contiguous()
    call("softmax_rows", z, targets.contiguous(), factors, *z.shape, z.itemsize, scale, logprobs, logsumexp, entropy)
    return SoftmaxRows(logprobs, logsumexp, entropy)
