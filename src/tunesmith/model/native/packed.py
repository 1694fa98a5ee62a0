"""A network's weights as `decode.cpp` reads them: panels in fp32 or bf16, and where everything lies.

The weights are copied once; a change of the network's weights is not seen by a copy that exists already.
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tunesmith.model.network import projection

BF16_GRAIN = 32  # rows of bf16 numbers are filled up with zeros to a multiple of this (kinds.h)


class Matrix(ctypes.Structure):
    """products.h."""

    _fields_ = (
        ("panels", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("outputs", ctypes.c_int64),
        ("inputs", ctypes.c_int64),
    )


class Layer(ctypes.Structure):
    """decode.cpp; keys and values are the cache's, and change with it."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("attention_norm", "query_norm", "key_norm", "inner_norm")),
        *((name, Matrix) for name in ("query_key_value", "out", "gate_up", "down")),
        ("keys", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
        ("window", ctypes.c_int64),
    )


class Network(ctypes.Structure):
    """decode.cpp, with the heads' shape in place."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("bf16", "layers", "hidden", "inner")),
        *((name, ctypes.c_int64) for name in ("heads", "kv_heads", "head_dim", "size")),
        ("epsilon", ctypes.c_float),
        ("scaling", ctypes.c_float),
        ("embedding_bf16", ctypes.c_int64),
        ("embedding", ctypes.c_void_p),
        ("final_norm", ctypes.c_void_p),
        ("layer", ctypes.POINTER(Layer)),
        ("head", Matrix),
    )


def window_of(attention: Any) -> int | None:
    """Return how many tokens an attention layer sees, itself included; None: all."""
    window = getattr(attention, "sliding_window", getattr(attention.config, "sliding_window", None))
    # A Qwen2 configuration names a window that most of its layers do not use, and a Llama's may, unused.
    return None if type(attention).__name__.endswith("LlamaAttention") else window


class PackedNetwork:
    """The copy of one network, as it is now; `network` is what the kernel is given the address of."""

    @torch.no_grad()
    def __init__(self, network: PreTrainedModel, library: ctypes.CDLL, *, bf16: bool, threads: int) -> None:
        self._library = library
        self._threads = threads
        self._bf16 = bf16
        self._lanes = int(library.tunesmith_lanes())
        self._kept: list[Tensor] = []  # what the kernel is given addresses of
        body: Any = network.base_model
        first = body.layers[0].self_attn
        head_dim = int(first.head_dim)
        head = projection(network)
        embedding = body.embed_tokens.weight
        self.layers = (Layer * len(body.layers))(*map(self._layer, body.layers))
        self.network = Network(
            bf16=bf16,
            layers=len(self.layers),
            hidden=body.config.hidden_size,
            inner=body.layers[0].mlp.gate_proj.out_features,
            heads=first.q_proj.out_features // head_dim,
            kv_heads=first.k_proj.out_features // head_dim,
            head_dim=head_dim,
            size=-(-head_dim // self._lanes) * self._lanes,
            epsilon=body.norm.variance_epsilon,
            scaling=first.scaling,
            embedding_bf16=embedding.dtype == torch.bfloat16,
            embedding=self._kept_at(embedding),
            final_norm=self._vector(body.norm.weight),
            layer=self.layers,
            head=self._matrix(head.weight, head.bias),
        )

    @property
    def dtype(self) -> torch.dtype:
        """What weights, keys and values are in."""
        return torch.bfloat16 if self._bf16 else torch.float32

    def padded(self, width: int) -> int:
        """Return how far apart rows of so many numbers lie."""
        return -(-width // BF16_GRAIN) * BF16_GRAIN if self._bf16 else width

    def _layer(self, layer: Any) -> Layer:
        attention, mlp = layer.self_attn, layer.mlp
        joined = [attention.q_proj, attention.k_proj, attention.v_proj]
        biases = [m.bias for m in joined]
        return Layer(
            attention_norm=self._vector(layer.input_layernorm.weight),
            query_norm=self._norm(attention, "q_norm"),
            key_norm=self._norm(attention, "k_norm"),
            inner_norm=self._vector(layer.post_attention_layernorm.weight),
            query_key_value=self._matrix(
                torch.cat([m.weight for m in joined]), None if biases[0] is None else torch.cat(biases)
            ),
            out=self._matrix(attention.o_proj.weight, attention.o_proj.bias),
            gate_up=self._gated(mlp.gate_proj.weight, mlp.up_proj.weight),
            down=self._matrix(mlp.down_proj.weight, mlp.down_proj.bias),
            window=window_of(attention) or 0,
        )

    def _norm(self, attention: Any, name: str) -> int | None:
        norm = getattr(attention, name, None)
        return None if norm is None else self._vector(norm.weight)

    def _vector(self, tensor: Tensor) -> int:
        return self._kept_at(tensor.float())

    def _matrix(self, weight: Tensor, bias: Tensor | None) -> Matrix:
        outputs, inputs = weight.shape
        panels = self._panels(-(-outputs // (2 * self._lanes)), inputs)
        if -(-outputs // self._lanes) % 2:
            panels[-1].zero_()  # its second half stays empty
        self._pack(weight, panels, first=0, apart=1)
        return Matrix(panels.data_ptr(), None if bias is None else self._vector(bias), outputs, inputs)

    def _gated(self, gate: Tensor, up: Tensor) -> Matrix:
        """`lanes` gates beside the values that they gate."""
        panels = self._panels(-(-len(gate) // self._lanes), gate.shape[1])
        self._pack(gate, panels, first=0, apart=2)
        self._pack(up, panels, first=1, apart=2)
        return Matrix(panels.data_ptr(), None, *gate.shape)

    def _panels(self, count: int, inputs: int) -> Tensor:
        panels = torch.empty(count, self.padded(inputs), 2 * self._lanes, dtype=self.dtype)
        self._kept.append(panels)
        return panels

    def _pack(self, weight: Tensor, panels: Tensor, *, first: int, apart: int) -> None:
        weight = weight.detach().contiguous()
        self._library.tunesmith_pack(
            weight.data_ptr(), weight.dtype == torch.bfloat16, *weight.shape, panels.data_ptr(), self._bf16, first,
            apart, self._threads,
        )  # fmt: skip

    def _kept_at(self, tensor: Tensor) -> int:
        """Keep the tensor alive, contiguous, and return where it lies."""
        self._kept.append(tensor.detach().contiguous())
        return self._kept[-1].data_ptr()
