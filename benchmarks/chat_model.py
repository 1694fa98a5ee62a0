"""A chat model of a benchmark's size, with random weights and the shipped tokenizer; all servers open the same one."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from benchmarks import workload
from tunesmith.desk.weights import shipped_base
from tunesmith.model.attention import NAME
from tunesmith.model.load import LanguageModel, save_model
from tunesmith.text.chat_template import ChatTemplate, install_default_template
from tunesmith.text.tokenizer import Tokenizer


def write_model(folder: Path, size: str) -> None:
    """Write the folder. Its answers end by chance once in some thousand tokens."""
    tokenizer = Tokenizer.load(shipped_base())
    install_default_template(tokenizer)
    template = ChatTemplate(tokenizer)
    config = workload.config_of(size)
    config.vocab_size = tokenizer.vocab_size
    config.pad_token_id, config.eos_token_id = tokenizer.named_id("pad_token"), template.stop_ids[0]
    torch.manual_seed(0)
    network = LlamaForCausalLM._from_config(config, attn_implementation=NAME)
    save_model(LanguageModel(network, tokenizer, template, {}), folder)
