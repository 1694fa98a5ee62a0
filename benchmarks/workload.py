"""The same random model and data for every benchmark: prompts of 20-200 tokens, completions of 10-150, log-normal."""

from __future__ import annotations

import time

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification, PreTrainedModel

from tunesmith.model.attention import NAME

SHAPES = {
    "S": {
        "hidden_size": 256,
        "num_hidden_layers": 6,
        "intermediate_size": 688,
        "num_attention_heads": 4,
        "vocab_size": 4096,
    },
    "M": {
        "hidden_size": 512,
        "num_hidden_layers": 8,
        "intermediate_size": 1376,
        "num_attention_heads": 8,
        "vocab_size": 8192,
    },
}


def config_of(size: str) -> LlamaConfig:
    """Return the Llama-style configuration of a size."""
    shape = SHAPES[size]
    return LlamaConfig(
        **shape,
        num_key_value_heads=shape["num_attention_heads"],
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=1,
    )


def policy(size: str) -> PreTrainedModel:
    """Return a random causal LM."""
    torch.manual_seed(0)
    return LlamaForCausalLM._from_config(config_of(size), attn_implementation=NAME)


def reward_model(size: str) -> PreTrainedModel:
    """Return a random reward model."""
    torch.manual_seed(1)
    config = config_of(size)
    config.num_labels = 1
    return LlamaForSequenceClassification._from_config(config, attn_implementation=NAME)


def lengths(n: int, *, low: int, high: int, median: int, seed: int) -> list[int]:
    """Return log-normal lengths, clipped to [low, high]."""
    drawn = np.random.default_rng(seed).lognormal(np.log(median), 0.6, n)
    return [int(x) for x in np.clip(drawn, low, high)]


def token_rows(counts: list[int], vocab: int, *, seed: int) -> list[list[int]]:
    """Return rows of random ordinary tokens."""
    generator = np.random.default_rng(seed)
    return [generator.integers(7, vocab, n).tolist() for n in counts]


def prompts(n: int, size: str) -> list[list[int]]:
    """Return prompts."""
    return token_rows(lengths(n, low=20, high=200, median=65, seed=0), SHAPES[size]["vocab_size"], seed=2)


def completions(n: int, size: str) -> list[list[int]]:
    """Return completions."""
    return token_rows(lengths(n, low=10, high=150, median=50, seed=1), SHAPES[size]["vocab_size"], seed=3)


def matmul_peak_gflops(dtype: torch.dtype, *, repeats: int = 20) -> float:
    """Return the best rate of a large matrix product on this machine."""
    a, b = torch.randn(2048, 1024, dtype=dtype), torch.randn(1024, 2048, dtype=dtype)
    out = torch.empty(2048, 2048, dtype=dtype)
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        torch.mm(a, b, out=out)
        best = min(best, time.perf_counter() - started)
    return 2 * 2048 * 1024 * 2048 / best / 1e9
