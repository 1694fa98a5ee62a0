"""RMSNorm, and the residual stream beside it: what is added to the stream and its norm are one pass, back too."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tunesmith.native.library import call


def rms_norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """Return weight * x / sqrt(mean(x^2) + epsilon), x (..., d), weight (d,) (arXiv 1910.07467).

    Under bf16 autocast the result is bf16: all that reads it is a matrix product, which would round it the same way.
    """
    return stream_and_norm(x, None, weight, epsilon)[1]


def stream_and_norm(x: Tensor, more: Tensor | None, weight: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Return x + more (x itself without `more`) and its `rms_norm`; x (..., d) fp32, `more` (..., d) fp32 or bf16."""
    dtype = torch.bfloat16 if torch.is_autocast_enabled(x.device.type) else x.dtype
    if more is not None and more.dtype != dtype:
        x, more = x + more, None
    return cast(tuple[Tensor, Tensor], _Norm.apply(x, more, weight, epsilon, dtype))  # type: ignore[no-untyped-call]


def added(x: Tensor, more: Tensor) -> Tensor:
    """Return x + more, x fp32."""
    narrow = more.dtype == torch.bfloat16 and x.dtype == torch.float32 and x.device.type == "cpu"
    return cast(Tensor, _Sum.apply(x, more)) if narrow else x + more  # type: ignore[no-untyped-call]


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, more: Tensor | None, weight: Tensor, epsilon: float, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        x, weight = x.contiguous(), weight.contiguous()
        more = None if more is None else more.contiguous()
        total = x if more is None else torch.empty_like(x)
        scale, out = x.new_empty(x.shape[:-1]), torch.empty_like(x, dtype=dtype)
        call("norm", x, more, weight, scale.numel(), x.shape[-1], epsilon, out.itemsize, total, out, scale)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(total, weight, scale)
        return total, out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, above: Tensor | None, grad: Tensor | None) -> tuple[Tensor | None, ...]:
        x, weight, scale = ctx.saved_tensors
        branched = ctx.needs_input_grad[1]
        if grad is None:  # nothing reads the norm
            return above, above if branched else None, None, None, None
        grad, above, n = grad.contiguous(), None if above is None else above.contiguous(), x.shape[-1]
        grad_x = torch.empty_like(x)
        narrow = torch.empty_like(grad) if branched and grad.dtype != x.dtype else None
        sums = x.new_zeros(torch.get_num_threads(), n)
        sizes = scale.numel(), n, grad.itemsize
        call("norm_backward", grad, above, x, weight, scale, *sizes, grad_x, narrow, sums)
        grad_more = (grad_x if narrow is None else narrow) if branched else None
        return grad_x, grad_more, sums.sum(dim=0), None, None


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, more: Tensor) -> Tensor:
        x, more, out = x.contiguous(), more.contiguous(), torch.empty_like(x)
        call("add", x, more, x.numel(), more.itemsize, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        return grad, grad.bfloat16()
