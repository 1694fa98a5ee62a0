"""Linear layers that read the same inputs, trained in bf16 on the processor: one pass back for all of them.

PyTorch's product for a weight's gradient reaches half the speed of the others there. This one sums in fp32, so the
gradient is never rounded to bf16 either.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from tunesmith.native.weight_gradients import computes, weight_gradients


def linears(x: Tensor, *modules: nn.Module) -> tuple[Tensor, ...]:
    """Return what each module makes of x (..., n)."""
    layers = [m for m in modules if type(m) is nn.Linear]
    if len(layers) < len(modules) or not all(_suits(x, layer) for layer in layers):
        return tuple(module(x) for module in modules)
    weights, biases = [layer.weight for layer in layers], [layer.bias for layer in layers]
    return cast(tuple[Tensor, ...], _Linears.apply(x, len(layers), *weights, *biases))  # type: ignore[no-untyped-call]


def _suits(x: Tensor, layer: nn.Linear) -> bool:
    """Whether x is bf16, as under autocast, the weight is fp32 and trained, and the kernel takes their shapes."""
    return (
        torch.is_grad_enabled()
        and layer.weight.requires_grad
        and layer.weight.dtype == torch.float32
        and computes(x, *layer.weight.shape)
    )


class _Linears(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, n: int, *parameters: Tensor | None) -> tuple[Tensor, ...]:
        weights = [cast(Tensor, w).to(x.dtype) for w in parameters[:n]]
        biases = [None if b is None else b.to(x.dtype) for b in parameters[n:]]
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, *weights)
        return tuple(F.linear(x, w, b) for w, b in zip(weights, biases, strict=True))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        x, *weights = ctx.saved_tensors
        rows = x.reshape(-1, x.shape[-1])
        there = {i: g.reshape(len(rows), -1) for i, g in enumerate(grads) if g is not None}
        grad_x = None
        if ctx.needs_input_grad[0]:
            for i, grad in there.items():
                grad_x = grad @ weights[i] if grad_x is None else grad_x.addmm_(grad, weights[i])
        of_weights = dict(zip(there, weight_gradients(list(there.values()), rows), strict=True))
        biased = ctx.needs_input_grad[2 + len(weights) :]
        of_biases = {i: g.sum(0, dtype=torch.float32) for i, g in there.items() if biased[i]}
        every = range(len(weights))
        found = [*(of_weights.get(i) for i in every), *(of_biases.get(i) for i in every)]
        return None if grad_x is None else grad_x.view(x.shape), None, *found
