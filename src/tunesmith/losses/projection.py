"""The vocabulary projection in chunks: what the losses over whole distributions share.

Shapes: M target tokens, d hidden width, V vocabulary, m rows of one chunk (m <= M).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tunesmith.core.errors import ConfigError
from tunesmith.losses.precision import wide_dtype
from tunesmith.native.weight_gradients import add_weight_gradient_, computes

CHUNK_BYTES = 2**25  # of logits alive at once; in bf16 4,096 rows of 4,096 words: products of few rows are slow
CHUNK_MIN_ROWS = 256  # fewer rows would spend the time on adding up the weight's gradient


class Head(NamedTuple):
    """What happens to a projected row before the softmax."""

    temperature: float
    softcap: float | None

    def is_plain(self, bias: Tensor | None) -> bool:
        """Whether z is the projection itself, times a number."""
        return bias is None and self.softcap is None

    def logits(self, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return z (m, V) of the module's equation, in fp32 or wider."""
        z = (hidden @ weight.T).to(wide_dtype(hidden.dtype))
        if bias is not None:
            z += bias
        if self.softcap is not None:
            z.div_(self.softcap).tanh_().mul_(self.softcap)
        return z if self.temperature == 1.0 else z.div_(self.temperature)

    def slope(self, z: Tensor) -> Tensor | None:
        """Return d capped / d raw = 1 - (capped / c)^2 as (m, V), or None where it is 1."""
        if self.softcap is None:
            return None
        return 1 - (z * (self.temperature / self.softcap)).square_()

    def to_raw_(self, grad_z: Tensor, slope: Tensor | None) -> Tensor:
        """Turn the gradient with respect to z into the one with respect to raw, in place."""
        if self.temperature != 1.0:
            grad_z.div_(self.temperature)
        return grad_z if slope is None else grad_z.mul_(slope)


class Gradients:
    """Sums, over chunks, of the gradients with respect to the wanted ones of hidden, weight and bias.

    `weight` is in the dtype that products are computed in.
    """

    def __init__(self, hidden: Tensor, weight: Tensor, bias: Tensor | None, wanted: Sequence[bool]) -> None:
        wide = wide_dtype(hidden.dtype)
        self._inputs = (hidden, weight)
        self.hidden = torch.empty_like(hidden) if wanted[0] else None
        # Chunks are added in fp32: bf16 would lose the small ones.
        self.weight = torch.zeros_like(weight, dtype=wide) if wanted[1] else None
        self.bias = torch.zeros_like(bias, dtype=wide) if bias is not None and wanted[2] else None

    def add(self, rows: slice, grad_raw: Tensor) -> None:
        """Add the chunk `rows`, whose gradient with respect to the projected rows is `grad_raw` (m, V)."""
        hidden, weight = self._inputs
        if self.bias is not None:
            self.bias += grad_raw.sum(0)
        narrow = grad_raw.to(hidden.dtype)
        if self.hidden is not None:
            torch.mm(narrow, weight, out=self.hidden[rows])
        if self.weight is None:
            return
        if narrow.dtype == self.weight.dtype:
            self.weight.addmm_(narrow.T, hidden[rows])
        elif computes(narrow, *self.weight.shape):
            add_weight_gradient_(self.weight, narrow, hidden[rows])
        else:
            self.weight += narrow.T @ hidden[rows]

    def finished(self, weight_dtype: torch.dtype) -> list[Tensor | None]:
        """Return the gradients of hidden, weight and bias, None where none was wanted; the weight's in this dtype."""
        return [self.hidden, None if self.weight is None else self.weight.to(weight_dtype), self.bias]


def scaled(gradients: Sequence[Tensor | None], by: Tensor) -> list[Tensor | None]:
    """Return gradients that were computed with the loss, times the gradient `by` that arrives at it."""
    return [None if gradient is None else gradient * by.to(gradient.dtype) for gradient in gradients]


def chunks_of(hidden: Tensor, weight: Tensor) -> Iterator[slice]:
    """Return slices of the rows of `hidden`, each of as many as may be projected at once."""
    size = max(CHUNK_MIN_ROWS, CHUNK_BYTES // (hidden.itemsize * len(weight)))
    return (slice(start, start + size) for start in range(0, len(hidden), size))


def prepared(hidden: Tensor, weight: Tensor, bias: Tensor | None, head: Head) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the hidden states in the dtype of autocast where it is on, and the bias in fp32 or wider.

    The weight stays in its own dtype, so that its gradient is not rounded to the one that products are computed in.
    Under `no_grad` they are detached: a Function sees only whether its inputs want gradients, and would compute them.

    Raises:
        ConfigError: temperature or soft cap is not positive.
    """
    if not head.temperature > 0:
        raise ConfigError(f"must be positive, not {head.temperature}", where="temperature")
    if head.softcap is not None and not head.softcap > 0:
        raise ConfigError(f"must be positive, not {head.softcap}", where="softcap")
    if not torch.is_grad_enabled():
        hidden, weight, bias = hidden.detach(), weight.detach(), None if bias is None else bias.detach()
    device = hidden.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
    return hidden.to(dtype), weight, None if bias is None else bias.to(wide_dtype(dtype))
