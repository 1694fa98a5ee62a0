"""Muon: momentum whose direction is made orthogonal, for the matrices between embedding and output head.

Keller Jordan et al. 2024 (kellerjordan.github.io/posts/muon); scaled as in arXiv 2502.16982 so that AdamW's learning
rates and decay carry over. A small model made from scratch learns the same from about half the tokens
(docs/experiments.md); for fine-tuning AdamW stays the default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

MOMENTUM = "momentum_buffer"
_QUINTIC = (3.4445, -4.7750, 2.0315)  # steep at zero: singular values end within about 0.7 to 1.2
_ITERATIONS = 5
_UPDATE_RMS = 0.2  # of AdamW's updates in practice; arXiv 2502.16982, section 2.2


def hidden_matrices(module: nn.Module) -> set[int]:
    """Return ids of the parameters Muon is for: matrices that are neither embedding nor output head nor a vector."""
    head = getattr(module, "get_output_embeddings", lambda: None)()
    outside = {id(m.weight) for m in module.modules() if isinstance(m, nn.Embedding)}
    outside |= {id(head.weight)} if isinstance(head, nn.Linear) else set()
    return {id(p) for p in module.parameters() if p.ndim == 2 and min(p.shape) > 1} - outside


def orthogonalised(matrices: Tensor) -> Tensor:
    """Return U V' of the singular value decompositions U S V' of `matrices` (..., m, n), by Newton-Schulz iterations.

    Computed in fp32, or in bf16 under autocast, as its authors do (a quarter of the time where there are units for it).
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    x: Tensor = (matrices.mT if tall else matrices).float()
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    a, b, c = _QUINTIC
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = _plus(x, _plus(gram, gram, gram, b, c), x, a, 1.0)
    levelled: Tensor = x.mT if tall else x
    return levelled.to(matrices.dtype)


def _plus(total: Tensor, left: Tensor, right: Tensor, beta: float, alpha: float) -> Tensor:
    """Return beta * total + alpha * left @ right, in one pass."""
    add = torch.baddbmm if total.ndim == 3 else torch.addmm
    return add(total, left, right, beta=beta, alpha=alpha)


class MuonWithAdamW(Optimizer):
    """Muon for groups with `muon: True`, AdamW for the others."""

    def __init__(self, groups: Iterable[dict[str, Any]], *, momentum: float, adamw: Mapping[str, Any]) -> None:
        super().__init__(groups, {"lr": adamw["lr"], "momentum": momentum, "fused": adamw.get("fused", False)})
        # The same group dictionaries and the same state: one learning rate to set, one state to save.
        others = [g for g in self.param_groups if not g["muon"]]
        self._adamw = AdamW(others, **adamw) if others else None
        if self._adamw:
            self._adamw.state = self.state

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        if closure is not None:
            raise ValueError("a closure is not supported")
        if self._adamw:
            self._adamw.step()
        for group in self.param_groups:
            alike: dict[tuple[Any, ...], list[Tensor]] = {}
            for p in group["params"] if group["muon"] else ():
                if p.grad is not None:
                    alike.setdefault((p.shape, p.dtype, p.device), []).append(p)
            for parameters in alike.values():  # one batched product for the same matrix of every layer
                directions = orthogonalised(torch.stack([self._direction(p, group) for p in parameters]))
                for parameter, direction in zip(parameters, directions, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(direction, alpha=-group["lr"] * _UPDATE_RMS * max(parameter.shape) ** 0.5)

    def _direction(self, parameter: Tensor, group: Mapping[str, Any]) -> Tensor:
        """Average the gradient and look ahead, as Nesterov does."""
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None
        if not state:
            state[MOMENTUM] = torch.zeros_like(parameter)
        return gradient.lerp(state[MOMENTUM].lerp_(gradient, 1 - group["momentum"]), group["momentum"])
