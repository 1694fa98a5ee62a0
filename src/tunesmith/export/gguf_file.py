"""A Llama-style model as one GGUF file, by the `gguf` package's writer (the format of llama.cpp and what builds on it).

Weights stay 32 bit: they are what was trained, to the last bit; llama.cpp's own tools make them smaller. Query and key
rows change places, because GGUF's rotary embedding turns neighbouring pairs where Hugging Face's turns halves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import torch
from torch import Tensor

from tunesmith.core.errors import ConfigError, EnvironmentProblem
from tunesmith.model.load import LanguageModel
from tunesmith.text.tokenizer import BACKEND_FILE

ARCHITECTURE = "llama"
_LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
# How a byte-level tokenizer cuts text before its merges, by llama.cpp's names for it.
_CUTS = {("ByteLevel",): "gpt-2", ("Digits", "ByteLevel"): "smollm"}
# GGUF has no entry for a tokenizer's added words that are no control tokens but for this one.
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4


def write_gguf(model: LanguageModel, folder: Path, file: Path, *, name: str) -> None:
    """Write the model; `folder` is where its tokenizer lies.

    Raises:
        ConfigError: the model or its tokenizer is of a kind that this writer does not know.
        EnvironmentProblem: the gguf package is not installed.
    """
    try:
        import gguf  # noqa: PLC0415 - an extra, needed here alone
    except ImportError as error:
        raise EnvironmentProblem("GGUF needs the gguf package", remedy="pip install 'tunesmith[gguf]'") from error
    config = model.network.config
    _check(config)
    writer = gguf.GGUFWriter(str(file), ARCHITECTURE)
    writer.add_name(name)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(float(config.rope_parameters["rope_theta"]))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _add_tokenizer(writer, model, folder)
    for tensor_name, tensor in tensors_of(model):
        writer.add_tensor(tensor_name, tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _check(config: Any) -> None:
    rope = getattr(config, "rope_parameters", None) or {}
    biases = any(getattr(config, name, False) for name in ("attention_bias", "mlp_bias"))
    wrong = [
        (config.model_type != "llama", f"it is a {config.model_type}, and only llama is known"),
        (rope.get("rope_type") != "default", f"its rotary embedding is scaled ({rope.get('rope_type')})"),
        (biases, "its layers have biases"),
    ]
    for holds, why in wrong:
        if holds:
            remedy = "convert the exported folder with llama.cpp's convert_hf_to_gguf.py"
            raise ConfigError("cannot be written as GGUF", where="--gguf", why=why, remedy=remedy)


def tensors_of(model: LanguageModel) -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor under its GGUF name, in 32 bit; a tied output matrix is left out, as readers expect."""
    config = model.network.config
    for name, tensor in model.network.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = tensor.detach().to("cpu", torch.float32).contiguous()
        path = name.removesuffix(".weight")
        if path in _WHOLE:
            yield f"{_WHOLE[path]}.weight", values
            continue
        number, _, inside = path.removeprefix("model.layers.").partition(".")
        if inside == "self_attn.q_proj":
            values = interleaved(values, config.num_attention_heads)
        elif inside == "self_attn.k_proj":
            values = interleaved(values, config.num_key_value_heads)
        yield f"blk.{number}.{_LAYER[inside]}.weight", values


def interleaved(weight: Tensor, heads: int) -> Tensor:
    """Return rows with the two halves of each head dealt out in turn: row j and row j + d/2 become neighbours."""
    rows, columns = weight.shape
    return weight.view(heads, 2, rows // heads // 2, columns).transpose(1, 2).reshape(rows, columns).contiguous()


def _add_tokenizer(writer: Any, model: LanguageModel, folder: Path) -> None:
    body = orjson.loads((folder / BACKEND_FILE).read_bytes())
    cut = _cut_of(body)
    rows = model.network.get_input_embeddings().weight.shape[0]
    words = {number: word for word, number in body["model"]["vocab"].items()}
    kinds = dict.fromkeys(words, NORMAL)
    for added in body["added_tokens"]:
        words[added["id"]] = added["content"]
        kinds[added["id"]] = CONTROL if added["special"] else USER_DEFINED
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(cut)
    writer.add_token_list([words.get(number, f"[PAD{number}]") for number in range(rows)])
    writer.add_token_types([kinds.get(number, CONTROL) for number in range(rows)])
    writer.add_token_merges([one if isinstance(one, str) else " ".join(one) for one in body["model"]["merges"]])
    template = model.template
    end = template.stop_ids[0] if template else model.tokenizer.named_id("eos_token")
    if end is not None:
        writer.add_eos_token_id(end)
    pad = model.tokenizer.named_id("pad_token")
    if pad is not None:
        writer.add_pad_token_id(pad)
    writer.add_add_bos_token(False)
    if template:
        writer.add_chat_template(template.source)


def _cut_of(body: Any) -> str:
    """Return llama.cpp's name for how a tokenizer cuts text.

    Raises:
        ConfigError: it has none for this one, and would cut otherwise than the model was trained.
    """
    before = body.get("pre_tokenizer") or {}
    steps = before.get("pretokenizers", [before])
    kinds = tuple(step.get("type", "") for step in steps)
    fits = body["model"]["type"] == "BPE" and not body.get("normalizer") and kinds in _CUTS
    plain = all(not step.get("add_prefix_space", False) and step.get("use_regex", True) for step in steps)
    if not fits or not plain or not all(step.get("individual_digits", True) for step in steps):
        why = f"{body['model']['type']} after {' and '.join(kinds) or 'nothing'} is none that GGUF has a name for here"
        remedy = "convert the exported folder with llama.cpp's convert_hf_to_gguf.py"
        raise ConfigError("the tokenizer cannot be written as GGUF", where="--gguf", why=why, remedy=remedy)
    return _CUTS[kinds]
