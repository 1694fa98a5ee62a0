"""Attention within the rows of a packed stream as one call, forward and backward (attention.cpp)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tunesmith.data.layout import Families
from tunesmith.native.library import call, native


def covers(q: Tensor, k: Tensor, v: Tensor, options: Mapping[str, Any]) -> bool:
    """Whether the kernel computes this: fp32 or bf16 on the processor, neither dropout nor a soft cap."""
    if options.get("dropout") or options.get("softcap") is not None or native().library is None:
        return False
    return all(t.device.type == "cpu" and t.dtype in (torch.float32, torch.bfloat16) for t in (q, k, v))


def attend(q: Tensor, k: Tensor, v: Tensor, families: Families, options: Mapping[str, Any]) -> Tensor:
    """(N, H, D), (N, H_kv, D), (N, H_kv, D) -> (N, H, D); zeros where there is padding.

    `options`: `scaling` and `sliding_window`, as `packed_attention` has them. In bf16 under autocast, else in the
    tensors' own dtype; scores and sums are fp32.
    """
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else q.dtype
    scaling, window = options.get("scaling"), options.get("sliding_window")
    scale = q.shape[-1] ** -0.5 if scaling is None else float(scaling)
    q, k, v = (t.to(dtype) for t in (q, k, v))
    return cast(Tensor, _Attention.apply(q, k, v, families, window or 0, scale))  # type: ignore[no-untyped-call]


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, families: Families, window: int, scale: float) -> Tensor:
        q, k, v = (t.contiguous() for t in (q, k, v))
        out, logs = torch.zeros_like(q), q.new_empty(q.shape[:2], dtype=torch.float32)
        ctx.how = (len(families.begins) - 1, q.shape[1], k.shape[1], q.shape[2], window, scale, q.itemsize)
        call("attention", q, k, v, *families, *ctx.how, out, logs)
        ctx.families = families
        ctx.save_for_backward(out, q, k, v, logs)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        out, q, k, v, logs = ctx.saved_tensors
        grads = [torch.zeros_like(t) for t in (q, k, v)]
        call("attention_backward", grad.contiguous(), out, q, k, v, logs, *ctx.families, *ctx.how, *grads)
        return *grads, None, None, None
