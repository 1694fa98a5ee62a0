"""How much memory a model needs to be trained or served: a sum of terms, each with its reason.

P parameters, L layers, h width, f feed-forward width, k key-value width, a heads, V vocabulary; N tokens in a
micro-batch, m of them learned, s tokens a sequence, b bytes of a number (fp32: 4). Full training keeps, per parameter,
the weight, its gradient and AdamW's two moments in fp32: 16 bytes. LoRA keeps the frozen weights and 16 bytes per
adapter parameter.

Activations kept for the backward pass of a Llama block, numbers a token: two norms with input and output (4 h), queries
and output (2 h), keys and values (2 k), attention output and its projection (2 h), gate, up, their activation and
product (4 f), and the attention weights before and after the softmax (2 a s). The vocabulary projection is computed at
the m learned positions only: logits, their softmax and gradient (3 m V). Process: Python and torch themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Use = Literal["full", "lora", "serve"]
PROCESS_BYTES = 420 * 2**20  # measured: Python, torch and transformers after one step of a model of no size
LEARNED = 0.5  # share of a conversation's tokens that are learned
ADAPTER_RANK = 16
OPTIMIZER_BYTES = 16


class Shape(NamedTuple):
    """A Llama-style network; `tied`: embedding and vocabulary projection are one matrix."""

    name: str
    layers: int
    hidden: int
    feed_forward: int
    heads: int
    key_value_heads: int
    vocabulary: int
    tied: bool

    @property
    def key_value_width(self) -> int:
        """Width of keys, and of values."""
        return self.hidden // self.heads * self.key_value_heads

    @property
    def parameters(self) -> int:
        """All weights."""
        h, k = self.hidden, self.key_value_width
        block = 2 * h * h + 2 * h * k + 3 * h * self.feed_forward + 2 * h
        return self.layers * block + self.vocabulary * h * (1 if self.tied else 2) + h

    @classmethod
    def of(cls, name: str, config: Mapping[str, Any]) -> Shape:
        """Return the shape in a Hugging Face `config.json` of the Llama family."""
        heads = int(config["num_attention_heads"])
        return cls(
            name,
            int(config["num_hidden_layers"]),
            int(config["hidden_size"]),
            int(config["intermediate_size"]),
            heads,
            int(config.get("num_key_value_heads") or heads),
            int(config["vocab_size"]),
            bool(config.get("tie_word_embeddings", False)),
        )


class Load(NamedTuple):
    """What is done with the model: tokens of a micro-batch, tokens of a sequence, conversations served at once."""

    micro_batch_tokens: int = 4096
    sequence: int = 512
    conversations: int = 8


# Shapes as usual at their sizes; the names say the size, not a product.
SHAPES = (
    Shape("5M", 5, 256, 688, 4, 2, 3072, True),
    Shape("30M", 8, 512, 1408, 8, 4, 8192, True),
    Shape("135M", 30, 576, 1536, 9, 3, 49152, True),
    Shape("360M", 32, 960, 2560, 15, 5, 49152, True),
    Shape("0.6B", 28, 1024, 3072, 16, 8, 151936, True),
    Shape("1.7B", 28, 2048, 6144, 16, 8, 151936, True),
    Shape("3B", 28, 3072, 8192, 24, 8, 128256, True),
    Shape("8B", 32, 4096, 14336, 32, 8, 128256, False),
    Shape("32B", 64, 5120, 25600, 64, 8, 151936, False),
    Shape("70B", 80, 8192, 28672, 64, 8, 128256, False),
)


def terms(shape: Shape, use: Use, load: Load, *, weight_bytes: int = 4) -> dict[str, int]:
    """Return the bytes by reason; their sum is the need. `weight_bytes`: of frozen or served weights (bf16: 2)."""
    p = shape.parameters
    if use == "serve":
        cache = 2 * shape.layers * shape.key_value_width * load.sequence * load.conversations * weight_bytes
        return {"process": PROCESS_BYTES, "weights": weight_bytes * p, "key_value_cache": cache}
    state = {"weights, gradients and moments": OPTIMIZER_BYTES * p}
    if use == "lora":
        adapters = OPTIMIZER_BYTES * _adapter_parameters(shape)
        state = {"frozen weights": weight_bytes * p, "adapters": adapters}
    return {"process": PROCESS_BYTES, **state, **_activations(shape, load)}


def _activations(shape: Shape, load: Load) -> dict[str, int]:
    n, h, k = load.micro_batch_tokens, shape.hidden, shape.key_value_width
    block = 8 * h + 2 * k + 4 * shape.feed_forward + 2 * shape.heads * load.sequence
    learned = round(LEARNED * n)
    return {"activations": 4 * n * shape.layers * block, "logits": 3 * 4 * learned * shape.vocabulary}


def _adapter_parameters(shape: Shape) -> int:
    h, k, f = shape.hidden, shape.key_value_width, shape.feed_forward
    widths = (h + h) + 2 * (h + k) + (h + h) + 3 * (h + f)
    return shape.layers * ADAPTER_RANK * widths


def need(shape: Shape, use: Use, load: Load | None = None, *, weight_bytes: int = 4) -> int:
    """Return the bytes that a model needs."""
    return sum(terms(shape, use, load or Load(), weight_bytes=weight_bytes).values())


def largest(use: Use, free_bytes: int, *, weight_bytes: int = 4) -> Shape | None:
    """Return the largest of the usual shapes that fits; None where none does."""
    fitting = [shape for shape in SHAPES if need(shape, use, weight_bytes=weight_bytes) <= free_bytes]
    return fitting[-1] if fitting else None
