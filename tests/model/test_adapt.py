"""A base model becomes one that can hold a chat."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.small import CHATML, FAMILIES, chat_tokenizer, network_of, save_base
from tunesmith.core.records import Message
from tunesmith.model.adapt import grow_embedding, make_chat_model
from tunesmith.model.load import LanguageModel, load_model, save_model
from tunesmith.text.chat_template import DEFAULT_TEMPLATE
from tunesmith.text.tokenizer import Tokenizer


def plain_base(family: str) -> LanguageModel:
    """A base model whose tokenizer has none of this project's control tokens, and one token for end and padding."""
    from tokenizers import AddedToken, decoders, models, pre_tokenizers
    from tokenizers import Tokenizer as Backend

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Backend(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken("</s>", special=True, normalized=False)])
    tokenizer = Tokenizer(backend, {"eos_token": "</s>", "pad_token": "</s>"})
    return LanguageModel(network_of(family, tokenizer.vocab_size), tokenizer, None, {})


@pytest.mark.parametrize("family", FAMILIES)
def test_a_plain_base_gets_template_control_tokens_pad_and_rows_for_them(family: str, tmp_path: Path) -> None:
    base = plain_base(family)
    before = base.network.get_input_embeddings().weight.detach().clone()
    model = make_chat_model(base)
    tokenizer, network = model.tokenizer, model.network
    table = network.get_input_embeddings().weight.detach()
    assert tokenizer.chat_template == DEFAULT_TEMPLATE
    assert len(table) == tokenizer.vocab_size > len(before)
    assert torch.equal(table[: len(before)], before)
    torch.testing.assert_close(table[len(before) :], before.mean(0).expand(len(table) - len(before), -1))
    output = network.get_output_embeddings().weight.detach()
    assert output.shape == table.shape
    pad = tokenizer.named_id("pad_token")
    assert pad is not None and pad not in model.chat_template().stop_ids
    assert network.config.pad_token_id == pad
    assert network.config.eos_token_id == model.chat_template().stop_ids[0]
    assert network.generation_config.eos_token_id == list(model.chat_template().stop_ids)
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.chat_template().hash == model.chat_template().hash
    assert again.tokenizer.vocab_size == tokenizer.vocab_size


def test_a_model_that_can_chat_keeps_its_template_and_its_weights() -> None:
    tokenizer = chat_tokenizer()
    tokenizer.config["chat_template"] = CHATML
    network = network_of("llama", tokenizer.vocab_size)
    before = {n: p.detach().clone() for n, p in network.named_parameters()}
    model = make_chat_model(LanguageModel(network, tokenizer, None, {}))
    assert model.chat_template().source == CHATML or model.chat_template().source == DEFAULT_TEMPLATE
    assert all(torch.equal(p.detach(), before[n]) for n, p in model.network.named_parameters())


def test_a_model_from_a_folder_with_a_template_keeps_it(tmp_path: Path) -> None:
    folder = save_base(tmp_path / "base")
    (folder / "chat_template.jinja").write_text(CHATML)
    model = make_chat_model(load_model(folder))
    assert model.chat_template().source == CHATML
    assert model.tokenizer.decode(model.chat_template().render_prompt((Message("user", "hi"),))) == (
        "<|user|>\nhi<|end|>\n<|assistant|>\n"
    )


def test_an_embedding_that_is_large_enough_stays() -> None:
    network = network_of("llama", 64)
    assert grow_embedding(network, 64) == grow_embedding(network, 10) == 0
    assert grow_embedding(network, 66) == 2
    assert network.config.vocab_size == 66
