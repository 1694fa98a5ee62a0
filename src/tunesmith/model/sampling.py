"""How the next token is drawn from a distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tunesmith.core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to sample. `temperature` 0 is greedy; `top_p` 1 and `top_k` 0 switch truncation off."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ConfigError(f"must be at least 1, not {self.max_tokens}", where="max_tokens")
        if self.temperature < 0 or not 0 < self.top_p <= 1 or self.top_k < 0:
            raise ConfigError("temperature >= 0, 0 < top_p <= 1 and top_k >= 0 are required", where="sampling")

    @property
    def truncated(self) -> bool:
        """Whether the sampling distribution differs from the policy (rlhf_spec D8)."""
        return self.top_p < 1 or self.top_k > 0

    def uniforms(self, prompt: int, completion: int) -> np.ndarray:
        """Return the random numbers (max_tokens,) of one completion of one prompt, whatever it is batched with."""
        sequence = np.random.SeedSequence(self.seed, spawn_key=(prompt, completion))
        return np.random.Generator(np.random.Philox(sequence)).random(self.max_tokens)


def sample(logprobs: Tensor, uniform: Tensor, *, top_p: float | Tensor = 1.0, top_k: int | Tensor = 0) -> Tensor:
    """Return a token (rows,) for each row of log-probs (rows, V), by inverse transform of `uniform` (rows,) in [0, 1).

    top_k keeps the k likeliest tokens; top_p then keeps the smallest set whose mass reaches p (at least one token).
    Either may be a column (rows, 1), with its own value in each row.
    """
    if isinstance(top_p, float | int) and isinstance(top_k, int) and top_p >= 1 and top_k == 0:
        return _invert(logprobs.exp(), uniform)
    ordered, index = logprobs.exp().sort(dim=-1, descending=True)
    size = ordered.shape[-1]
    limit = torch.as_tensor(top_k, device=ordered.device)
    limit = torch.where(limit == 0, size, limit)
    ordered = ordered.masked_fill(torch.arange(size, device=ordered.device) >= limit, 0.0)
    before = ordered.cumsum(dim=-1) - ordered
    cut = before >= top_p * ordered.sum(dim=-1, keepdim=True)
    cut[:, 0] = False  # a top_p that rounds to 0 still keeps the likeliest
    ordered = ordered.masked_fill(cut, 0.0)
    return index.gather(1, _invert(ordered, uniform)[:, None])[:, 0]


def _invert(weights: Tensor, uniform: Tensor) -> Tensor:
    total = weights.cumsum(dim=-1)
    point = (uniform.to(total.dtype) * total[:, -1])[:, None]
    chosen = torch.searchsorted(total, point, right=True)[:, 0]
    if not bool((chosen == weights.shape[-1]).any()):
        return chosen
    # Rounding has put the point at the very end: take the last token that has weight.
    last = weights.shape[-1] - 1 - (weights > 0).flip(-1).to(torch.uint8).argmax(dim=-1)
    return torch.minimum(chosen, last)
