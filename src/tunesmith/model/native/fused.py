"""RMSNorm, rotary embedding, SwiGLU and the residual stream in one pass each, put into transformers' own modules.

`fuse` gives the modules of a network subclasses of their own classes: same weights, same names, same results to
rounding. Whatever a kernel does not cover (another device, another dtype, an unknown class) goes through the class's
own forward.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from transformers import PreTrainedModel

from tunesmith.model.attention import NAME, packed_attention
from tunesmith.model.native.linear import linears
from tunesmith.model.native.norm import added, rms_norm, stream_and_norm
from tunesmith.model.native.step import window_of
from tunesmith.native.library import call, native


def rotary(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Return x (N, heads, D) turned by cosine and sine (N, D), whose halves are equal (arXiv 2104.09864)."""
    return cast(Tensor, _Rotary.apply(x, cosine, sine))  # type: ignore[no-untyped-call]


def swiglu(gate: Tensor, up: Tensor) -> Tensor:
    """Return silu(gate) * up, both (..., n) (arXiv 2002.05202)."""
    return cast(Tensor, _SwiGLU.apply(gate, up))  # type: ignore[no-untyped-call]


def _plain(*tensors: Tensor) -> bool:
    """Whether all are fp32 on the processor, and autocast, where it is on, means bf16."""
    if any(t.dtype != torch.float32 or t.device.type != "cpu" for t in tensors):
        return False
    return not torch.is_autocast_enabled("cpu") or torch.get_autocast_dtype("cpu") == torch.bfloat16


def _alike(*tensors: Tensor) -> bool:
    """Whether all are fp32 or all are bf16, on the processor."""
    kinds = {t.dtype for t in tensors}
    return kinds <= {torch.float32, torch.bfloat16} and len(kinds) == 1 and all(t.device.type == "cpu" for t in tensors)


class _Rotary(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        cosine, sine = cosine.contiguous(), sine.contiguous()
        ctx.save_for_backward(cosine, sine)
        return _turned(x.contiguous(), cosine, sine, 1.0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        cosine, sine = ctx.saved_tensors
        return _turned(grad.contiguous(), cosine, sine, -1.0), None, None


def _turned(x: Tensor, cosine: Tensor, sine: Tensor, direction: float) -> Tensor:
    out = torch.empty_like(x)
    call("rotary", x, cosine, sine, *x.shape, direction, x.itemsize, out)
    return out


class _SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor) -> Tensor:
        gate, up = gate.contiguous(), up.contiguous()
        ctx.save_for_backward(gate, up)
        out = torch.empty_like(gate)
        call("swiglu", gate, up, gate.numel(), gate.itemsize, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        gate, up = ctx.saved_tensors
        grad_gate, grad_up = torch.empty_like(gate), torch.empty_like(up)
        call("swiglu_backward", grad.contiguous(), gate, up, gate.numel(), gate.itemsize, grad_gate, grad_up)
        return grad_gate, grad_up


class FusedNorm(nn.Module):
    """Before one of transformers' RMSNorm classes."""

    weight: Tensor
    variance_epsilon: float

    def forward(self, hidden_states: Tensor) -> Tensor:
        """(..., d) -> (..., d)."""
        if not _plain(hidden_states, self.weight):
            plain: Tensor = super().forward(hidden_states)
            return plain
        return rms_norm(hidden_states, self.weight, self.variance_epsilon)


class FusedLayer(nn.Module):
    """Before one of transformers' layers that norm what they read and add what they make to it."""

    input_layernorm: FusedNorm
    post_attention_layernorm: FusedNorm
    self_attn: nn.Module
    mlp: nn.Module

    def forward(self, hidden_states: Tensor, *arguments: Any, **options: Any) -> Tensor:
        """(1, N, d) -> (1, N, d)."""
        before, after = self.input_layernorm, self.post_attention_layernorm
        fused = isinstance(before, FusedNorm) and isinstance(after, FusedNorm) and not arguments
        if not fused or not _plain(hidden_states, before.weight, after.weight):
            plain: Tensor = super().forward(hidden_states, *arguments, **options)
            return plain
        stream, normed = stream_and_norm(hidden_states, None, before.weight, before.variance_epsilon)
        made = self.self_attn(hidden_states=normed, **options)[0]
        stream, normed = stream_and_norm(stream, made, after.weight, after.variance_epsilon)
        return added(stream, self.mlp(normed))


class FusedMLP(nn.Module):
    """Before one of transformers' gated MLP classes with SiLU."""

    gate_proj: nn.Module
    up_proj: nn.Module
    down_proj: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        """(..., d) -> (..., d)."""
        gate, up = linears(x, self.gate_proj, self.up_proj)
        gated = swiglu(gate, up) if _alike(gate, up) else nn.functional.silu(gate) * up
        return linears(gated, self.down_proj)[0]


class FusedAttention(nn.Module):
    """Before one of transformers' attention classes that have no norms of queries and keys."""

    config: Any
    head_dim: int
    scaling: float
    q_proj: nn.Linear
    k_proj: nn.Linear
    v_proj: nn.Linear
    o_proj: nn.Module

    def forward(
        self,
        hidden_states: Tensor,
        position_embeddings: tuple[Tensor, Tensor],
        attention_mask: Tensor | None = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """(1, N, d) -> (1, N, d)."""
        cosine, sine = position_embeddings
        if not self._suits(hidden_states, cosine, sine):
            plain: tuple[Tensor, Tensor | None] = super().forward(
                hidden_states, position_embeddings=position_embeddings, attention_mask=attention_mask, **kwargs
            )
            return plain
        q, k, v = linears(hidden_states, self.q_proj, self.k_proj, self.v_proj)
        q, k, v = (t.view(-1, t.shape[-1] // self.head_dim, self.head_dim) for t in (q, k, v))
        q, k = (rotary(t, cosine[0], sine[0]) for t in (q, k))
        query, key, value = (t.transpose(0, 1)[None] for t in (q, k, v))
        options = {
            **kwargs,
            "scaling": self.scaling,
            "dropout": self.config.attention_dropout if self.training else 0.0,
            "sliding_window": window_of(self),
        }
        out, _ = packed_attention(self, query, key, value, None, **options)
        return linears(out.reshape(*hidden_states.shape[:-1], -1), self.o_proj)[0], None

    def _suits(self, hidden_states: Tensor, cosine: Tensor, sine: Tensor) -> bool:
        """Whether the projections will give what the kernel takes: decided before they are computed."""
        weights = (p.weight for p in (self.q_proj, self.k_proj, self.v_proj))
        return (
            self.config._attn_implementation == NAME
            and len(hidden_states) == 1
            and _plain(cosine, sine, *weights)
            and (torch.is_autocast_enabled("cpu") or hidden_states.dtype == torch.float32)
        )


_FAMILIES = ("Llama", "Mistral", "Qwen2", "Qwen3")
_KINDS: dict[str, type[nn.Module]] = {
    **{f"{family}RMSNorm": FusedNorm for family in _FAMILIES},
    **{f"{family}MLP": FusedMLP for family in _FAMILIES},
    **{f"{family}DecoderLayer": FusedLayer for family in _FAMILIES},
    **{f"{family}Attention": FusedAttention for family in _FAMILIES if family != "Qwen3"},
}
_made: dict[type[nn.Module], type[nn.Module]] = {}


def fuse(network: PreTrainedModel) -> None:
    """Give the network's modules their fused subclasses, in place; without kernels nothing changes."""
    if native().library is None:
        return
    for module in network.modules():
        kind = _KINDS.get(type(module).__name__)
        if kind is None or (kind is FusedMLP and network.config.hidden_act != "silu"):
            continue
        own = type(module)
        if own not in _made:
            _made[own] = type(f"Fused{own.__name__}", (kind, own), {"__module__": __name__})
        module.__class__ = _made[own]


@contextlib.contextmanager
def unfused(network: PreTrainedModel) -> Iterator[None]:
    """Within the context the network's modules are transformers' own again."""
    swapped = [(module, type(module)) for module in network.modules() if type(module) in _made.values()]
    for module, fused in swapped:
        module.__class__ = fused.__bases__[1]
    try:
        yield
    finally:
        for module, fused in swapped:
            module.__class__ = fused
