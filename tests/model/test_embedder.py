"""Vectors of texts: by hand through transformers, for an encoder and for a chat model; what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, BertConfig, BertModel

from tests.small import chat_tokenizer, small_chat_model
from tunesmith.core.errors import ConfigError
from tunesmith.model.embedder import open_embedder
from tunesmith.model.load import save_model

TEXTS = ("Where is my order?", "The lamp costs 20 dollars. " * 12, "", "<|endoftext|> lamp")


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A tiny random BERT; the chat tokenizer's end and begin tokens are its two marks."""
    torch.manual_seed(0)
    tokenizer = chat_tokenizer(template=False)
    config = BertConfig(
        vocab_size=tokenizer.vocab_size, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    folder = tmp_path / "encoder"
    BertModel(config).save_pretrained(folder)
    tokenizer.save(folder)
    settings = orjson.loads((folder / "tokenizer_config.json").read_bytes())
    settings |= {"cls_token": "<|bos|>", "sep_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_bytes(orjson.dumps(settings))
    return folder


def pool(folder: Path, way: str) -> None:
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_bytes(orjson.dumps({f"pooling_mode_{way}": True}))


@torch.inference_mode()
def states(folder: Path, ids: list[int]) -> torch.Tensor:
    """Return one text's last hidden states, alone and without padding."""
    return AutoModel.from_pretrained(folder, dtype=torch.float32).eval()(torch.tensor([ids])).last_hidden_state[0]


def test_an_encoder_is_read_between_its_marks(encoder: Path) -> None:
    tokenizer = chat_tokenizer(template=False)
    first, last = tokenizer.require_id("<|bos|>"), tokenizer.require_id("<|endoftext|>")
    for way in ("mean_tokens", "cls_token"):
        pool(encoder, way)
        vectors = open_embedder(str(encoder))(TEXTS)
        assert vectors.dtype == np.float32 and vectors.shape == (4, 16)
        for text, vector in zip(TEXTS, vectors, strict=True):
            own = tokenizer.encode(text)[: 64 - 2 - 2]
            alone = states(encoder, [first, *own, last])
            wanted = alone[0] if way == "cls_token" else alone.mean(dim=0)
            np.testing.assert_allclose(vector, wanted.numpy(), atol=1e-5)


def test_a_chat_model_is_the_mean_of_its_states_and_forged_tokens_are_text(tmp_path: Path) -> None:
    model = small_chat_model()
    save_model(model, tmp_path / "chat")
    vectors = open_embedder(str(tmp_path / "chat"))(TEXTS)
    for text, vector in zip(TEXTS, vectors, strict=True):
        ids = model.tokenizer.encode(text)[:126]
        wanted = states(tmp_path / "chat", ids).mean(dim=0).numpy() if ids else np.zeros(32)
        np.testing.assert_allclose(vector, wanted, atol=1e-5)
    again = open_embedder(str(tmp_path / "chat"))
    np.testing.assert_array_equal(again(TEXTS), vectors)


def test_the_fingerprint_follows_weights_and_pooling(encoder: Path) -> None:
    before = open_embedder(str(encoder)).fingerprint
    assert open_embedder(str(encoder)).fingerprint == before
    pool(encoder, "cls_token")
    pooled = open_embedder(str(encoder)).fingerprint
    weights = load_file(encoder / "model.safetensors")
    weights["embeddings.word_embeddings.weight"][5, 0] += 1
    save_file(weights, encoder / "model.safetensors", metadata={"format": "pt"})
    assert len({before, pooled, open_embedder(str(encoder)).fingerprint}) == 3


def test_what_cannot_embed_is_refused_by_name(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no model folder"):
        open_embedder(str(tmp_path / "absent"))
    pool(encoder, "max_tokens")
    with pytest.raises(ConfigError, match="pools in a way"):
        open_embedder(str(encoder))
    pool(encoder, "mean_tokens")
    weights = load_file(encoder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, encoder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ConfigError, match="incomplete"):
        open_embedder(str(encoder))
