"""The gradients of weights that read the same inputs, in the processor's tiles (native/gradients.cpp).

Shapes: m rows, n inputs, o_i outputs of the i-th weight.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from tunesmith.native.library import call, native

TILE = 16


@functools.cache
def tiles() -> bool:
    """Whether there are kernels and the processor lets this process use its tiles."""
    library = native().library
    return library is not None and bool(library.tunesmith_tiles())


def computes(like: Tensor, *sizes: int) -> bool:
    """Whether the kernel takes matrices of this device and dtype (bf16 on the processor) and of these widths."""
    return like.device.type == "cpu" and like.dtype == torch.bfloat16 and not any(n % TILE for n in sizes) and tiles()


def weight_gradients(grads: Sequence[Tensor], x: Tensor) -> list[Tensor]:
    """Return grads_i (m, o_i).T @ x (m, n) as (o_i, n) in fp32, from bf16."""
    sums = [torch.empty(g.shape[1], x.shape[1]) for g in grads]
    if len(x):
        _call(grads, x, sums, add=False)
    else:
        torch._foreach_zero_(sums)
    return sums


def add_weight_gradient_(total: Tensor, grad: Tensor, x: Tensor) -> None:
    """Add grad (m, o).T @ x (m, n), in bf16, to `total` (o, n) in fp32."""
    _call([grad], x, [total], add=True)


def _call(grads: Sequence[Tensor], x: Tensor, sums: Sequence[Tensor], *, add: bool) -> None:
    grads, x = [g.contiguous() for g in grads], x.contiguous()  # they must live until the call ends
    assert all(computes(t, t.shape[1]) for t in (*grads, x))
    assert all(s.is_contiguous() and s.dtype == torch.float32 for s in sums)
    places, sizes, ends = (
        torch.tensor(numbers)
        for numbers in ([g.data_ptr() for g in grads], [g.shape[1] for g in grads], [s.data_ptr() for s in sums])
    )
    call("weight_gradients", places, sizes, len(grads), x, *x.shape, ends, int(add))
