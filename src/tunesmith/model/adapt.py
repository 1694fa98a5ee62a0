"""Turn a base model into one that can hold a chat: template, control tokens, pad token."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from tunesmith.model.load import LanguageModel
from tunesmith.text.chat_template import ChatTemplate, install_default_template
from tunesmith.text.train_tokenizer import PAD


def make_chat_model(model: LanguageModel) -> LanguageModel:
    """Return the model with a chat template, a pad token that is not an end token, and rows for both in its embedding.

    A model that has a template keeps it. New embedding rows are the mean of the old ones, so that a new token starts
    out as an average token and not as noise.
    """
    tokenizer, network = model.tokenizer, model.network
    if model.template is None:
        install_default_template(tokenizer)
    template = ChatTemplate(tokenizer)
    pad = tokenizer.named_id("pad_token")
    if pad is None or pad in template.stop_ids:
        tokenizer.add_special_tokens([PAD])
        tokenizer.config["pad_token"] = PAD
        pad = tokenizer.require_id(PAD)
        template = ChatTemplate(tokenizer)
    grow_embedding(network, tokenizer.vocab_size)
    network.config.pad_token_id = pad
    network.config.eos_token_id = template.stop_ids[0]
    generation = getattr(network, "generation_config", None)
    if generation is not None:
        generation.pad_token_id = pad
        generation.eos_token_id = list(template.stop_ids)
    return LanguageModel(network, tokenizer, template, model.card)


def grow_embedding(network: PreTrainedModel, rows: int) -> int:
    """Give the embedding at least `rows` rows; returns how many were added."""
    before: int = network.get_input_embeddings().weight.shape[0]
    if rows <= before:
        return 0
    network.resize_token_embeddings(rows, mean_resizing=False)
    with torch.no_grad():
        for table in (network.get_input_embeddings(), network.get_output_embeddings()):
            if table is not None:
                table.weight[before:] = table.weight[:before].mean(dim=0)
    return rows - before
