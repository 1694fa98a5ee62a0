"""GGUF files, read back by two other programs: gguf's own reader, tensor by tensor, and transformers' loader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.small import network_of, small_chat_model
from tunesmith.core.errors import ConfigError
from tunesmith.desk.weights import shipped_base
from tunesmith.export.gguf_file import interleaved, tensors_of, write_gguf
from tunesmith.model.adapt import make_chat_model
from tunesmith.model.load import LanguageModel, load_model, save_model

gguf = pytest.importorskip("gguf")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[LanguageModel, Path, Path]:
    """A small network with groups of query heads, behind the shipped tokenizer."""
    folder = tmp_path_factory.mktemp("gguf")
    shipped = load_model(shipped_base())
    rows = shipped.network.get_input_embeddings().weight.shape[0]
    network = network_of("llama", rows, num_attention_heads=4, num_key_value_heads=2)
    model = make_chat_model(LanguageModel(network, shipped.tokenizer, shipped.template, {}))
    save_model(model, folder / "model")
    write_gguf(model, folder / "model", folder / "model" / "m.gguf", name="m")
    return model, folder / "model", folder / "model" / "m.gguf"


def test_every_tensor_comes_back_bit_for_bit(exported: Any) -> None:
    model, _, file = exported
    read = {one.name: np.array(one.data) for one in gguf.GGUFReader(file).tensors}
    wrote = dict(tensors_of(model))
    assert set(read) == set(wrote) and len(read) == 2 + 9 * model.network.config.num_hidden_layers
    for name, tensor in wrote.items():
        assert np.array_equal(read[name], tensor.numpy()), name
    ours = model.network.state_dict()
    heads = model.network.config.num_attention_heads
    q = read["blk.0.attn_q.weight"]
    undone = q.reshape(heads, q.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(q.shape)
    assert np.array_equal(undone, ours["model.layers.0.self_attn.q_proj.weight"].numpy())
    assert np.array_equal(read["blk.1.ffn_down.weight"], ours["model.layers.1.mlp.down_proj.weight"].numpy())


def test_transformers_reads_the_same_model_and_the_same_tokens(exported: Any) -> None:
    _, folder, file = exported
    texts = ["Where is order 4711? It's 2 days late.", "  two  spaces\n\nünï <|end|> done", "x=1;\ty"]
    ours, theirs = AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(folder, gguf_file=file.name)
    for text in texts:
        assert theirs(text)["input_ids"] == ours(text)["input_ids"]
    plain = AutoModelForCausalLM.from_pretrained(folder)
    again = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file.name)
    ids = torch.tensor([ours(texts[0])["input_ids"]])
    torch.testing.assert_close(again(ids).logits, plain(ids).logits, atol=1e-5, rtol=1e-5)


def test_what_a_runtime_must_know_is_in_the_file(exported: Any) -> None:
    model, _, file = exported
    fields = gguf.GGUFReader(file).fields
    config, template = model.network.config, model.template

    def value(name: str) -> Any:
        return fields[name].contents()

    assert value("general.architecture") == "llama" and value("tokenizer.ggml.model") == "gpt2"
    assert value("tokenizer.ggml.pre") == "smollm"  # digits one by one, then byte-level words
    assert value("llama.block_count") == config.num_hidden_layers
    assert value("llama.attention.head_count_kv") == config.num_key_value_heads
    assert value("llama.rope.freq_base") == config.rope_parameters["rope_theta"]
    assert value("tokenizer.chat_template") == template.source
    assert value("tokenizer.ggml.eos_token_id") == template.stop_ids[0]
    assert value("tokenizer.ggml.add_bos_token") is False
    words, kinds = value("tokenizer.ggml.tokens"), value("tokenizer.ggml.token_type")
    assert len(words) == len(kinds) == config.vocab_size
    for word in ("<|user|>", "<|assistant|>", "<|end|>"):
        assert kinds[words.index(word)] == 3 and words.index(word) == model.tokenizer.token_id(word)


def test_halves_of_a_head_are_dealt_out_in_turn() -> None:
    rows = torch.arange(8.0).view(8, 1)  # two heads of four rows: halves 0 1 | 2 3 and 4 5 | 6 7
    assert interleaved(rows, 2).view(-1).tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


@pytest.mark.parametrize("family", ["gpt2", "qwen2", "gemma"])
def test_other_models_are_refused_not_written_wrongly(family: str, tmp_path: Path) -> None:
    model = small_chat_model(family)
    save_model(model, tmp_path / "model")
    with pytest.raises(ConfigError, match="cannot be written as GGUF"):
        write_gguf(model, tmp_path / "model", tmp_path / "m.gguf", name="m")
    assert not (tmp_path / "m.gguf").exists()
