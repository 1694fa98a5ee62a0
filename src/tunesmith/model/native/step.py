"""Reading prompts, decoding steps and draws of a Llama-like network through `decode.cpp`, in fp32 or bf16.

In fp32 they give the same numbers as the network's own forward, to rounding. With bf16 they give those of bf16 weights,
keys, values and inputs of products; sums and everything between products are fp32, as is what is drawn from: log-probs
are of the very numbers that tokens were drawn from. A step lives as long as one batch of completions (packed.py).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tunesmith.model.cache import KeyValueCache
from tunesmith.model.native.packed import PackedNetwork, window_of
from tunesmith.model.network import in_bf16
from tunesmith.native.library import native

__all__ = ["NativeStep", "native_step", "window_of"]

FAMILIES = ("LlamaModel", "MistralModel", "Qwen2Model", "Qwen3Model")
STATIC_ROPE = ("default", "linear", "llama3")  # the others' frequencies depend on the length
LARGEST_BYTES = 4 << 30  # the panels are a second copy of the weights; beyond this, reading them is all that counts
TILE_ROWS = 32  # rows that are multiplied together, at most (products.h)
TOKENS_AT_ONCE = 256  # of prompts: what lies between products stays in the processor's cache


class _Step(ctypes.Structure):
    _fields_ = (
        ("tokens", ctypes.c_int64),
        ("capacity", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("ids", "rows", "places", "cosine", "sine", "hidden", "stream")),
        *((name, ctypes.c_void_p) for name in ("projected", "normed", "attended", "inner", "scratch")),
    )


class _Draw(ctypes.Structure):
    _fields_ = (
        ("rows", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("hidden", "normed", "logits", "temperatures", "uniforms")),
        *((name, ctypes.c_void_p) for name in ("tokens", "logprobs")),
    )


class _Burst(ctypes.Structure):
    _fields_ = (
        ("most", ctypes.c_int64),
        ("live", ctypes.c_void_p),
        ("stops", ctypes.c_void_p),
        ("n_stops", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("places", "uniforms", "tokens", "logprobs")),
        ("done", ctypes.c_int64),
    )


def native_step(network: PreTrainedModel) -> NativeStep | None:
    """Return the network's step, or None where PyTorch has to do it: no compiler, or another kind of network.

    It is in bf16 where the network's weights are, or under `torch.autocast("cpu", torch.bfloat16)`.
    """
    if not _suits(network):
        return None
    library = native().library
    return None if library is None else NativeStep(network, library)


def _suits(network: PreTrainedModel) -> bool:
    """Whether the network is what the kernel computes: on the CPU, plain linear layers, SwiGLU, static RoPE."""
    body = network.base_model
    config = network.config
    if type(body).__name__ not in FAMILIES or network.device.type != "cpu":
        return False
    rope = getattr(config, "rope_parameters", None) or {}
    plain = all(type(m) is nn.Linear for layer in body.layers for m in _linears(layer))
    mine = list(network.parameters())
    return (
        plain
        and type(network.get_output_embeddings()) is nn.Linear
        and config.hidden_act == "silu"
        and rope.get("rope_type", "default") in STATIC_ROPE
        and float(rope.get("partial_rotary_factor", 1.0)) == 1.0
        and all(layer.mlp.gate_proj.bias is None and layer.mlp.up_proj.bias is None for layer in body.layers)
        and {p.dtype for p in mine} in ({torch.float32}, {torch.bfloat16})
        and sum(p.numel() * p.element_size() for p in mine) <= LARGEST_BYTES
    )


def _linears(layer: Any) -> list[nn.Module]:
    attention, mlp = layer.self_attn, layer.mlp
    return [
        *(attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj),
        *(mlp.gate_proj, mlp.up_proj, mlp.down_proj),
    ]


class NativeStep:
    """The steps of one network as it is now. Not for several threads at once."""

    def __init__(self, network: PreTrainedModel, library: ctypes.CDLL) -> None:
        self._library = library
        self._threads = torch.get_num_threads()
        self._packed = PackedNetwork(network, library, bf16=in_bf16(network), threads=self._threads)
        self._network = self._packed.network
        self._address = ctypes.addressof(self._network)
        self._rotary = network.base_model.rotary_emb
        self._buffers: dict[str, Tensor] = {}
        self._room = (0, 0)  # tokens and capacity that the buffers are made for
        self._step, self._draw = _Step(), _Draw()

    def read(self, prompts: Sequence[Sequence[int]], cache: KeyValueCache) -> Tensor:
        """Add a row to the cache for each prompt, in order; returns the last states of all tokens (N, d)."""
        begin = len(cache.lengths)
        lengths = torch.tensor([len(p) for p in prompts])
        shape = self._network
        cache.claim(lengths, layers=shape.layers, heads=shape.kv_heads, size=shape.size, dtype=self._packed.dtype)
        ids = torch.from_numpy(np.concatenate([np.asarray(p, dtype=np.int64) for p in prompts]))
        rows = torch.arange(begin, begin + len(prompts)).repeat_interleave(lengths)
        places = torch.from_numpy(np.concatenate([np.arange(len(p)) for p in prompts]))
        hidden = torch.empty(len(ids), shape.hidden)
        for at in range(0, len(ids), TOKENS_AT_ONCE):
            part = slice(at, at + TOKENS_AT_ONCE)
            self._run(ids[part], rows[part], places[part], cache, hidden[part])
        return hidden

    def __call__(self, tokens: Tensor, cache: KeyValueCache) -> Tensor:
        """Append the rows' tokens (rows,) to the cache and return their last hidden states (rows, d)."""
        hidden = torch.empty(len(tokens), self._network.hidden)
        self._run(tokens, torch.arange(len(tokens)), cache.lengths, cache, hidden)
        return hidden

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits (rows, V) of hidden states (rows, d)."""
        logits = torch.empty(len(hidden), self._network.head.outputs)
        self._choose(hidden, logits)
        return logits

    def draw(self, hidden: Tensor, temperatures: Tensor, uniforms: Tensor) -> tuple[Tensor, Tensor]:
        """Return a token for each row of hidden states (rows, d), and its log-prob (at temperature 1 where greedy).

        `temperatures` (rows,) fp32, 0 for the likeliest token; `uniforms` (rows,) fp64 in [0, 1).
        """
        rows = len(hidden)
        tokens, logprobs = torch.empty(rows, dtype=torch.long), torch.empty(rows)
        draw = self._draw
        draw.temperatures, draw.uniforms = temperatures.data_ptr(), uniforms.data_ptr()
        draw.tokens, draw.logprobs = tokens.data_ptr(), logprobs.data_ptr()
        self._choose(hidden, self._buffer("logits", rows, self._network.head.outputs))
        draw.temperatures = None
        return tokens, logprobs

    def write(
        self, hidden: Tensor, cache: KeyValueCache, temperatures: Tensor, uniforms: Tensor, live: Tensor, stops: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Draw and read in turns; returns tokens and log-probs (n, rows) of the n <= len(uniforms) draws.

        It ends with the draw in which a row of `live` (rows,), True = still writing, draws one of `stops` (ids). The
        tokens before the last draw's are in the cache. `uniforms` is (most, rows); else as `draw`.
        """
        most, rows = uniforms.shape
        tokens, logprobs = torch.empty(most, rows, dtype=torch.long), torch.empty(most, rows)
        states, places = hidden.clone(), cache.lengths.clone()
        own_row = torch.arange(rows)
        self._prepare_step(rows, own_row, cache, states)
        self._prepare_draw(states, self._buffer("logits", rows, self._network.head.outputs))
        self._draw.temperatures = temperatures.data_ptr()
        burst = _Burst(
            most=most, live=live.data_ptr(), stops=stops.data_ptr(), n_stops=len(stops), places=places.data_ptr(),
            uniforms=uniforms.data_ptr(), tokens=tokens.data_ptr(), logprobs=logprobs.data_ptr(),
        )  # fmt: skip
        of = (self._address, *map(ctypes.addressof, (self._step, self._draw, burst)))
        self._library.tunesmith_write(*of, self._threads)
        self._draw.temperatures = None
        cache.advance(burst.done - 1)
        return tokens[: burst.done], logprobs[: burst.done]

    def _choose(self, hidden: Tensor, logits: Tensor) -> None:
        hidden = hidden.contiguous()
        self._prepare_draw(hidden, logits)
        self._library.tunesmith_choose(self._address, ctypes.addressof(self._draw), self._threads)

    def _prepare_draw(self, hidden: Tensor, logits: Tensor) -> None:
        rows, draw = len(hidden), self._draw
        self._make_room(rows, self._room[1])
        draw.rows, draw.hidden, draw.logits = rows, hidden.data_ptr(), logits.data_ptr()
        draw.normed = self._buffers["normed"].data_ptr()

    def _run(self, ids: Tensor, rows: Tensor, places: Tensor, cache: KeyValueCache, hidden: Tensor) -> None:
        self._prepare_step(len(ids), rows, cache, hidden)
        self._step.ids, self._step.places = ids.data_ptr(), places.data_ptr()
        self._library.tunesmith_read(self._address, ctypes.addressof(self._step), self._threads)

    def _prepare_step(self, tokens: int, rows: Tensor, cache: KeyValueCache, hidden: Tensor) -> None:
        capacity = cache.pairs[0][0].shape[2]
        self._make_room(tokens, capacity)
        for layer, (keys, values) in zip(self._packed.layers, cache.pairs, strict=True):
            layer.keys, layer.values = keys.data_ptr(), values.data_ptr()
        step = self._step
        step.tokens, step.capacity = tokens, capacity
        step.rows, step.hidden = rows.data_ptr(), hidden.data_ptr()

    def _make_room(self, tokens: int, capacity: int) -> None:
        if tokens <= self._room[0] and capacity <= self._room[1]:
            return
        room = self._room = (max(tokens, self._room[0]), max(capacity, self._room[1]))
        shape, padded = self._network, self._packed.padded
        cosine, sine = self._rotary(torch.empty(0), position_ids=torch.arange(room[1])[None])
        rows = max(-(-room[0] // TILE_ROWS), self._threads) * TILE_ROWS
        narrow = {"normed": shape.hidden, "attended": shape.heads * shape.head_dim, "inner": shape.inner}
        self._buffers |= {
            "cosine": cosine[0].float().contiguous(),
            "sine": sine[0].float().contiguous(),
            "stream": torch.empty(room[0], shape.hidden),
            "projected": torch.empty(room[0], (shape.heads + 2 * shape.kv_heads) * shape.head_dim),
            # Zeros: what fills a row up meets weights that are zero.
            **{name: torch.zeros(rows, padded(n), dtype=self._packed.dtype) for name, n in narrow.items()},
            "scratch": torch.empty(self._threads, 2 * (room[1] + shape.size)),
        }
        for name, buffer in self._buffers.items():
            if name != "logits":
                setattr(self._step, name, buffer.data_ptr())

    def _buffer(self, name: str, rows: int, width: int) -> Tensor:
        if len(self._buffers.get(name, ())) < rows:
            self._buffers[name] = torch.empty(rows, width)
        return self._buffers[name]
