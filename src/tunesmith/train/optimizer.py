"""AdamW or Muon over named modules, each with its own factor of the learning rate, clipped by its own global norm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.optim import AdamW, Optimizer

from tunesmith.core.config_schema import Strict
from tunesmith.core.errors import CheckpointError, ConfigError
from tunesmith.train.muon import MOMENTUM, MuonWithAdamW, hidden_matrices
from tunesmith.train.objective import StateTree
from tunesmith.train.trainable import Trainable, copy_into

MOMENTS = ("exp_avg", "exp_avg_sq")


class OptimizerConfig(Strict):
    """AdamW (arXiv 1711.05101), or Muon for hidden matrices and AdamW for the rest."""

    kind: Literal["adamw", "muon"] = "adamw"
    """muon learns faster from scratch; AdamW is what fine-tuning recipes are tuned for."""
    momentum: float = Field(default=0.95, ge=0, lt=1)
    """Of Muon's gradient average."""
    learning_rate: float = Field(default=1e-4, gt=0)
    """Peak; the schedule and the module's factor multiply it."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Decoupled; per step it shrinks weights by learning_rate * weight_decay."""
    decay_everything: bool = False
    """Also decay biases, norms and embeddings."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Decay of the first moment."""
    beta2: float = Field(default=0.95, ge=0, lt=1)
    """Decay of the second moment; InstructGPT used 0.95."""
    eps: float = Field(default=1e-8, gt=0)
    """Added to the root of the second moment."""
    eps_convention: Literal["torch", "tensorflow"] = "torch"
    """Where eps is added: after the bias correction of the second moment (torch) or before it (tensorflow)."""
    max_grad_norm: float | None = Field(default=1.0, gt=0)
    """Per module, after accumulation and all-reduce; None: no clipping."""

    @model_validator(mode="after")
    def _one_optimizer(self) -> Self:
        if self.kind == "muon" and self.eps_convention != "torch":
            raise ValueError("kind: muon has no eps_convention: tensorflow")
        return self


class AdamWEpsilonHat(AdamW):
    """AdamW as TensorFlow counts: the update is lr sqrt(1-b2^t)/(1-b1^t) m/(sqrt(v)+eps) (Kingma & Ba, section 2).

    The original RLHF code used it; early steps are much smaller than torch's (T-RL-31).
    """

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        if closure is not None:
            raise ValueError("a closure is not supported")
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: Tensor, group: Mapping[str, Any]) -> None:
        state, gradient, (beta1, beta2) = self.state[parameter], parameter.grad, group["betas"]
        assert gradient is not None
        if not state:
            state["step"] = torch.tensor(0.0)
            state.update({name: torch.zeros_like(parameter) for name in MOMENTS})
        state["step"] += 1
        t = float(state["step"])
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        state["exp_avg"].lerp_(gradient, 1 - beta1)
        state["exp_avg_sq"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        rate = group["lr"] * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        parameter.addcdiv_(state["exp_avg"], state["exp_avg_sq"].sqrt().add_(group["eps"]), value=-rate)


def build_optimizer(trainable: Trainable, config: OptimizerConfig, factors: Mapping[str, float]) -> Optimizer:
    """Return the optimizer, with groups per module (decayed or not), each with its `factor` of the learning rate.

    Raises:
        ConfigError: `factors` names a module that is not trained.
    """
    unknown = sorted(factors.keys() - trainable.modules.keys())
    if unknown:
        raise ConfigError(f"module {unknown[0]!r} is not trained", where="learning_rate_factors")
    groups: list[dict[str, Any]] = []
    for name, module in trainable.modules.items():
        exempt = set() if config.decay_everything else _exempt(module)
        hidden = hidden_matrices(module) if config.kind == "muon" else set()
        parts: dict[tuple[bool, bool], list[nn.Parameter]] = {}
        for parameter in trainable.by_module[name].values():
            parts.setdefault((id(parameter) in hidden, id(parameter) not in exempt), []).append(parameter)
        for (muon, decayed), chosen in sorted(parts.items(), reverse=True):
            decay = config.weight_decay if decayed else 0.0
            groups.append({"params": chosen, "weight_decay": decay, "factor": factors.get(name, 1.0), "muon": muon})
    return _optimizer(groups, config)


def _optimizer(groups: list[dict[str, Any]], config: OptimizerConfig) -> Optimizer:
    options: dict[str, Any] = {
        "lr": config.learning_rate,
        "betas": (config.beta1, config.beta2),
        "eps": config.eps,
    }
    if config.eps_convention == "tensorflow":
        return AdamWEpsilonHat(groups, **options)
    fused = all(p.device.type in ("cpu", "cuda") for group in groups for p in group["params"])
    if config.kind == "muon":
        return MuonWithAdamW(groups, momentum=config.momentum, adamw={**options, "fused": fused})
    return AdamW(groups, **options, fused=fused)


def _exempt(module: nn.Module) -> set[int]:
    """Biases and norms (fewer than two dimensions), and embeddings, also where a projection is tied to them."""
    thin = {id(p) for p in module.parameters() if p.ndim < 2}
    tables = {id(m.weight) for m in module.modules() if isinstance(m, nn.Embedding)}
    return thin | tables


def set_learning_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """Set every group to `learning_rate` times its module's factor."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["factor"]


def gradient_norm(parameters: Iterable[nn.Parameter]) -> Tensor | None:
    """Return the global 2-norm over all gradients of a module, a scalar; None where it has none."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    return get_total_norm(gradients) if gradients else None


def clip_gradients(parameters: Iterable[nn.Parameter], max_norm: float, norm: Tensor) -> None:
    """Scale a module's gradients so that their global norm, measured as `norm`, is at most `max_norm`."""
    clip_grads_with_norm_([p for p in parameters if p.grad is not None], max_norm, norm)


def optimizer_state(optimizer: Optimizer, trainable: Trainable) -> StateTree:
    """Return moments and step counts by parameter name; parameters not updated yet are absent."""
    return {name: dict(optimizer.state[p]) for name, p in trainable.named.items() if optimizer.state.get(p)}


def load_optimizer_state(optimizer: Optimizer, trainable: Trainable, state: StateTree) -> None:
    """Restore what `optimizer_state` returned.

    Raises:
        CheckpointError: the state names a parameter that is not trained, its shape differs, or it is another
            optimizer's.
    """
    unknown = sorted(state.keys() - trainable.named.keys())
    if unknown:
        raise CheckpointError(f"has moments of {unknown[0]!r}, which is not trained", where="optimizer state")
    by_muon = {id(p) for group in optimizer.param_groups if group["muon"] for p in group["params"]}
    for name, saved in state.items():
        parameter = trainable.named[name]
        names = (MOMENTUM,) if id(parameter) in by_muon else MOMENTS
        if not saved.keys() >= set(names):
            raise CheckpointError(f"has other moments of {name!r}", where="optimizer state", why="another optimizer")
        moments = {key: torch.zeros_like(parameter) for key in names}
        copy_into(moments, {key: saved[key] for key in names}, where=f"moments of {name}")
        if "step" in saved:
            moments["step"] = saved["step"].clone()
            if optimizer.defaults.get("fused"):
                moments["step"] = moments["step"].to(parameter.device)
        optimizer.state[parameter] = moments
