"""Real small things for tests: a tokenizer trained on a few lines, networks made from configuration."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    Gemma2Config,
    GemmaConfig,
    GPT2Config,
    LlamaConfig,
    PreTrainedModel,
    Qwen2Config,
)

from tunesmith.model.attention import NAME
from tunesmith.model.load import LanguageModel
from tunesmith.model.native.fused import fuse
from tunesmith.text.chat_template import ChatTemplate, install_default_template
from tunesmith.text.tokenizer import Tokenizer
from tunesmith.text.train_tokenizer import train_tokenizer

CHATML = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
LLAMA_STYLE = "{{ bos_token }}" + CHATML
LINES = (
    "Where is my order? It is on its way and will arrive on Monday.",
    "The lamp costs 20 dollars. Thank you, have a nice day!",
    "I want to return the chair. Please send the order number.",
)
FAMILIES = ("llama", "qwen2", "gpt2", "gemma", "gemma2")


@cache
def _trained() -> bytes:
    tokenizer = train_tokenizer(LINES * 4, vocab_size=320)
    tokenizer.add_special_tokens(["<|bos|>"])
    return tokenizer._backend.to_str().encode()


def chat_tokenizer(*, template: bool = True) -> Tokenizer:
    """Return a fresh byte-level tokenizer with this project's control tokens."""
    from tokenizers import Tokenizer as Backend

    backend = Backend.from_str(_trained().decode())
    tokenizer = Tokenizer(backend, {"pad_token": "<|pad|>", "eos_token": "<|endoftext|>", "bos_token": "<|bos|>"})
    if template:
        install_default_template(tokenizer)
    return tokenizer


def config_of(family: str, vocab_size: int, **more: Any) -> Any:
    """Return a two-layer configuration of a model family."""
    shape: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 64,
        "num_attention_heads": 4,
        "vocab_size": vocab_size,
        "pad_token_id": 0,
        "bos_token_id": None,
        "eos_token_id": 1,
        "max_position_embeddings": 128,
    }
    match family:
        case "llama":
            return LlamaConfig(**{**shape, "num_key_value_heads": 2, "tie_word_embeddings": True, **more})
        case "qwen2":
            return Qwen2Config(**{**shape, "num_key_value_heads": 2, **more})
        case "gpt2":
            body = {
                "n_embd": 32,
                "n_layer": 2,
                "n_head": 4,
                "n_positions": 128,
                "vocab_size": vocab_size,
                "pad_token_id": 0,
                "bos_token_id": 1,
                "eos_token_id": 1,
                "resid_pdrop": 0.0,
                "embd_pdrop": 0.0,
                "attn_pdrop": 0.0,
            }
            return GPT2Config(**{**body, **more})
        case "gemma":
            return GemmaConfig(**{**shape, "num_key_value_heads": 1, "head_dim": 8, **more})
        case "gemma2":
            return Gemma2Config(**{**shape, "num_key_value_heads": 2, "head_dim": 8, "sliding_window": 4, **more})
    raise ValueError(family)


def network_of(family: str = "llama", vocab_size: int = 64, *, seed: int = 0, **more: Any) -> PreTrainedModel:
    """Return a random causal LM with packed attention. Weights are large enough that tokens matter."""
    torch.manual_seed(seed)
    network = AutoModelForCausalLM.from_config(config_of(family, vocab_size, **more), attn_implementation=NAME)
    return _stirred(network)


def classifier_of(family: str = "llama", vocab_size: int = 64, *, seed: int = 0, **more: Any) -> PreTrainedModel:
    """Return a random reward model."""
    torch.manual_seed(seed)
    config = config_of(family, vocab_size, num_labels=1, **more)
    return _stirred(AutoModelForSequenceClassification.from_config(config, attn_implementation=NAME))


def _stirred(network: PreTrainedModel) -> PreTrainedModel:
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.15)
    return network.eval()


def small_chat_model(family: str = "llama", *, seed: int = 0) -> LanguageModel:
    """Return a random chat model with this project's template, as `load_model` would open it."""
    tokenizer = chat_tokenizer()
    network = network_of(family, tokenizer.vocab_size, seed=seed)
    fuse(network)
    return LanguageModel(network, tokenizer, ChatTemplate(tokenizer), {})


def save_base(folder: Path, family: str = "llama", *, seed: int = 0) -> Path:
    """Write a random base model without a chat template, as any tool would have saved it; returns the folder."""
    tokenizer = chat_tokenizer(template=False)
    network_of(family, tokenizer.vocab_size, seed=seed).save_pretrained(str(folder))
    tokenizer.save(folder)
    return folder
