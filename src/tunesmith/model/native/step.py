"""One decoding step of a Llama-like network through `decode.cpp`: the same numbers as its own forward, to rounding.

The weights are copied once, into panels that the kernel reads in order; a change of the network's weights is not seen
by a step that exists already, so a step lives as long as one batch of completions.
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tunesmith.model.cache import KeyValueCache
from tunesmith.native.library import native

FAMILIES = ("LlamaModel", "MistralModel", "Qwen2Model", "Qwen3Model")
STATIC_ROPE = ("default", "linear", "llama3")  # the others' frequencies depend on the length
LARGEST_BYTES = 4 << 30  # the panels are a second copy of the weights; beyond this, reading them is all that counts


class _Matrix(ctypes.Structure):
    _fields_ = (
        ("panels", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("outputs", ctypes.c_int64),
        ("inputs", ctypes.c_int64),
    )


class _Layer(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("attention_norm", "query_norm", "key_norm", "inner_norm")),
        *((name, _Matrix) for name in ("query_key_value", "out", "gate_up", "down")),
        ("keys", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
        ("window", ctypes.c_int64),
    )


class _Network(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int64) for name in ("layers", "hidden", "heads", "kv_heads", "head_dim", "inner")),
        ("epsilon", ctypes.c_float),
        ("scaling", ctypes.c_float),
        ("embedding", ctypes.c_void_p),
        ("final_norm", ctypes.c_void_p),
        ("layer", ctypes.POINTER(_Layer)),
    )


_BUFFERS = ("hidden", "stream", "normed", "projected", "attended", "inner", "scores")


class _Step(ctypes.Structure):
    _fields_ = (
        ("rows", ctypes.c_int64),
        ("capacity", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("tokens", "lengths", "cosine", "sine", *_BUFFERS)),
    )


def native_step(network: PreTrainedModel) -> NativeStep | None:
    """Return the network's step, or None where PyTorch has to do it: no compiler, or another kind of network."""
    if not _suits(network):
        return None
    library = native().library
    return None if library is None else NativeStep(network, library)


def _suits(network: PreTrainedModel) -> bool:
    """Whether the network is what the kernel computes: fp32 on the CPU, plain linear layers, SwiGLU, static RoPE."""
    body = network.base_model
    config = network.config
    if type(body).__name__ not in FAMILIES or network.device.type != "cpu":
        return False
    rope = getattr(config, "rope_parameters", None) or {}
    plain = all(type(m) is nn.Linear for layer in body.layers for m in _linears(layer))
    mine = list(body.parameters())
    return (
        plain
        and config.hidden_act == "silu"
        and rope.get("rope_type", "default") in STATIC_ROPE
        and float(rope.get("partial_rotary_factor", 1.0)) == 1.0
        and all(layer.mlp.gate_proj.bias is None and layer.mlp.up_proj.bias is None for layer in body.layers)
        and all(p.dtype == torch.float32 for p in mine)
        and sum(p.numel() * 4 for p in mine) <= LARGEST_BYTES
    )


def window_of(attention: Any) -> int | None:
    """Return how many tokens an attention layer sees, itself included; None: all."""
    window = getattr(attention, "sliding_window", getattr(attention.config, "sliding_window", None))
    # A Qwen2 configuration names a window that most of its layers do not use, and a Llama's may, unused.
    return None if type(attention).__name__.endswith("LlamaAttention") else window


def _linears(layer: Any) -> list[nn.Module]:
    attention, mlp = layer.self_attn, layer.mlp
    return [
        *(attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj),
        *(mlp.gate_proj, mlp.up_proj, mlp.down_proj),
    ]


class NativeStep:
    """The step of one network as it is now. Not for several threads at once."""

    @torch.no_grad()
    def __init__(self, network: PreTrainedModel, library: ctypes.CDLL) -> None:
        self._library = library
        self._threads = torch.get_num_threads()
        self._body: Any = network.base_model
        self._kept: list[Tensor] = []  # what the kernel is given addresses of
        first = self._body.layers[0].self_attn
        self._head_dim = int(first.head_dim)
        self._layers = (_Layer * len(self._body.layers))(*map(self._layer, self._body.layers))
        self._network = _Network(
            layers=len(self._layers),
            hidden=self._body.config.hidden_size,
            heads=first.q_proj.out_features // self._head_dim,
            kv_heads=first.k_proj.out_features // self._head_dim,
            head_dim=self._head_dim,
            inner=self._body.layers[0].mlp.gate_proj.out_features,
            epsilon=self._body.norm.variance_epsilon,
            scaling=first.scaling,
            embedding=self._address(self._body.embed_tokens.weight),
            final_norm=self._address(self._body.norm.weight),
            layer=self._layers,
        )
        self._cosine = self._sine = torch.empty(0, 0)
        self._buffers: dict[str, Tensor] = {}

    def __call__(self, tokens: Tensor, cache: KeyValueCache) -> Tensor:
        """Append the rows' tokens (rows,) to the cache and return their last hidden states (rows, d)."""
        rows = len(tokens)
        capacity = cache.pairs[0][0].shape[2]
        hidden = torch.empty(rows, self._network.hidden)
        self._make_room(rows, capacity)
        for layer, (keys, values) in zip(self._layers, cache.pairs, strict=True):
            layer.keys, layer.values = keys.data_ptr(), values.data_ptr()
        step = _Step(
            rows=rows,
            capacity=capacity,
            tokens=tokens.data_ptr(),
            lengths=cache.lengths.data_ptr(),
            cosine=self._cosine.data_ptr(),
            sine=self._sine.data_ptr(),
            **{name: buffer.data_ptr() for name, buffer in self._buffers.items()},
            hidden=hidden.data_ptr(),
        )
        self._library.tunesmith_step(ctypes.byref(self._network), ctypes.byref(step), self._threads)
        return hidden

    def _make_room(self, rows: int, capacity: int) -> None:
        shape = self._network
        if len(self._cosine) < capacity:
            places = torch.arange(capacity)[None]
            cosine, sine = self._body.rotary_emb(torch.empty(0), position_ids=places)
            self._cosine, self._sine = cosine[0].contiguous(), sine[0].contiguous()
            self._buffers["scores"] = torch.empty(self._threads, capacity)
        if rows > len(self._buffers.get("stream", ())):
            widths = {
                "stream": shape.hidden,
                "normed": shape.hidden,
                "projected": (shape.heads + 2 * shape.kv_heads) * shape.head_dim,
                "attended": shape.heads * shape.head_dim,
                "inner": shape.inner,
            }
            self._buffers |= {name: torch.empty(rows, width) for name, width in widths.items()}

    def _layer(self, layer: Any) -> _Layer:
        attention, mlp = layer.self_attn, layer.mlp
        joined = [attention.q_proj, attention.k_proj, attention.v_proj]
        biases = [m.bias for m in joined]
        gate, up = mlp.gate_proj.weight, mlp.up_proj.weight
        gated = _Matrix(self._address(_gate_panels(gate, up, self._lanes)), None, *gate.shape)
        return _Layer(
            attention_norm=self._address(layer.input_layernorm.weight),
            query_norm=self._norm(attention, "q_norm"),
            key_norm=self._norm(attention, "k_norm"),
            inner_norm=self._address(layer.post_attention_layernorm.weight),
            query_key_value=self._matrix(
                torch.cat([m.weight for m in joined]), None if biases[0] is None else torch.cat(biases)
            ),
            out=self._matrix(attention.o_proj.weight, attention.o_proj.bias),
            gate_up=gated,
            down=self._matrix(mlp.down_proj.weight, mlp.down_proj.bias),
            window=window_of(attention) or 0,
        )

    @property
    def _lanes(self) -> int:
        return int(self._library.tunesmith_lanes())

    def _norm(self, attention: Any, name: str) -> int | None:
        norm = getattr(attention, name, None)
        return None if norm is None else self._address(norm.weight)

    def _matrix(self, weight: Tensor, bias: Tensor | None) -> _Matrix:
        panels = self._address(_panels(weight, 2 * self._lanes))
        return _Matrix(panels, None if bias is None else self._address(bias), *weight.shape)

    def _address(self, tensor: Tensor) -> int:
        """Keep the tensor alive, contiguous, and return where it lies."""
        self._kept.append(tensor.detach().contiguous())
        return self._kept[-1].data_ptr()


def _panels(weight: Tensor, width: int) -> Tensor:
    """(outputs, inputs) -> (panels, inputs, width): `width` outputs side by side, the last panel filled with zeros."""
    outputs, inputs = weight.shape
    count = -(-outputs // width)
    padded = nn.functional.pad(weight, (0, 0, 0, count * width - outputs))
    return padded.reshape(count, width, inputs).transpose(1, 2).contiguous()


def _gate_panels(gate: Tensor, up: Tensor, lanes: int) -> Tensor:
    """Two matrices (inner, inputs) -> (panels, inputs, 2 lanes): `lanes` gates beside the values that they gate."""
    return torch.cat([_panels(gate, lanes), _panels(up, lanes)], dim=2).contiguous()
