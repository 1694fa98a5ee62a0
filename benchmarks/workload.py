"""The same random model and data for every contender: prompts of 20-200 tokens, completions of 10-150, log-normal.

Imports nothing of tunesmith, so that it runs in a peer's own environment. A token i is written "w<i>", one word each,
for tools that want texts.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

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
PAD, END = 0, 1
GROUP = 4  # completions of a prompt in GRPO
PPO_EPOCHS = 4
NEW_TOKENS = 48  # of an episode in GRPO and PPO
FIRST_ORDINARY = 7


def config_of(size: str) -> LlamaConfig:
    """Return the Llama-style configuration of a size."""
    shape = SHAPES[size]
    return LlamaConfig(
        **shape,
        num_key_value_heads=shape["num_attention_heads"],
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=None,
        eos_token_id=END,
    )


def write_models(folder: Path, size: str) -> None:
    """Write a random policy, a random reward model and a tokenizer of words, which every contender opens."""
    from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: PLC0415 - only the parent process writes
    from transformers import PreTrainedTokenizerFast, logging  # noqa: PLC0415

    logging.disable_progress_bar()
    config = config_of(size)
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(str(folder / "policy"))
    torch.manual_seed(1)
    config.num_labels = 1
    LlamaForSequenceClassification(config).save_pretrained(str(folder / "reward"))
    words = {f"w{i}": i for i in range(config.vocab_size)}
    words = {"<pad>": PAD, "<end>": END} | {w: i for w, i in words.items() if i not in (PAD, END)}
    backend = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", eos_token="<end>")
    for name in ("policy", "reward"):
        tokenizer.save_pretrained(str(folder / name))


def lengths(n: int, *, low: int, high: int, median: int, seed: int) -> list[int]:
    """Return log-normal lengths, clipped to [low, high]."""
    drawn = np.random.default_rng(seed).lognormal(np.log(median), 0.6, n)
    return [int(x) for x in np.clip(drawn, low, high)]


def token_rows(counts: list[int], vocab: int, *, seed: int) -> list[list[int]]:
    """Return rows of random ordinary tokens."""
    generator = np.random.default_rng(seed)
    return [generator.integers(FIRST_ORDINARY, vocab, n).tolist() for n in counts]


def prompts(n: int, size: str, *, low: int = 20, median: int = 65) -> list[list[int]]:
    """Return prompts of `low` to 200 tokens, or three medians where that is more."""
    return token_rows(
        lengths(n, low=low, high=max(200, 3 * median), median=median, seed=0), SHAPES[size]["vocab_size"], seed=2
    )


def completions(n: int, size: str) -> list[list[int]]:
    """Return completions, each with the end token."""
    rows = token_rows(lengths(n, low=10, high=150, median=50, seed=1), SHAPES[size]["vocab_size"], seed=3)
    return [[*row[:-1], END] for row in rows]


def pretraining_rows(n: int, size: str, *, length: int = 256) -> list[list[int]]:
    """Return full rows, every token of which is learned."""
    return token_rows([length] * n, SHAPES[size]["vocab_size"], seed=4)


def words(ids: list[int]) -> str:
    """Return tokens as text; the end token, which tools add themselves, is left out."""
    return " ".join(f"w{i}" for i in ids if i != END)


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
