"""Small networks whose weights are large enough that every part of a step counts."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, PreTrainedModel, Qwen2Config, Qwen3Config

from tunesmith.model.attention import NAME

# Widths that no vector divides, biases, norms of queries and keys, a window shorter than the texts, frequencies that
# are scaled, heads that share keys and heads that do not.
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "llama": (LlamaConfig, {"head_dim": 18}),
    "llama with biases": (LlamaConfig, {"attention_bias": True, "head_dim": 24, "num_key_value_heads": 4}),
    "llama with scaled rope": (
        LlamaConfig,
        {"rope_parameters": {"rope_type": "linear", "rope_theta": 100.0, "factor": 4.0}},
    ),
    "qwen2": (Qwen2Config, {}),
    "qwen3": (Qwen3Config, {"head_dim": 20}),
    "mistral with a window": (MistralConfig, {"sliding_window": 8}),
}
VOCABULARY = 97


def network_of_case(name: str, **more: Any) -> PreTrainedModel:
    """Return a three-layer network in eval mode, not fused."""
    kind, settings = CASES[name]
    shape = {
        "hidden_size": 72,
        "num_hidden_layers": 3,
        "intermediate_size": 100,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": VOCABULARY,
        "pad_token_id": 0,
        "bos_token_id": None,
        "eos_token_id": 1,
    }
    torch.manual_seed(0)
    network = AutoModelForCausalLM.from_config(kind(**{**shape, **settings, **more}), attn_implementation=NAME)
    for parameter in network.parameters():
        vector = parameter.dim() == 1
        torch.nn.init.normal_(parameter, 0.5 if vector else 0.0, 0.3 if vector else 0.2)
    return network.eval()


def token_rows(*lengths: int, seed: int = 0) -> list[list[int]]:
    """Return rows of random ordinary tokens."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(7, VOCABULARY, (n,), generator=generator).tolist() for n in lengths]
