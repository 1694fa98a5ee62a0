"""Open and save ordinary Hugging Face folders, safely.

Nothing but safetensors is ever read, and no code that comes with a model is ever run. Every opened network is probed
once: its logits through the packed path must equal those of the class's own forward pass, so that an architecture
with an unknown twist is refused instead of trained wrongly.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import torch
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification, PreTrainedModel
from transformers.utils import logging as transformers_logging

from tunesmith import __version__
from tunesmith.core.errors import ConfigError, EnvironmentProblem, NumericalError
from tunesmith.data.batch import TokenSequence, pack
from tunesmith.model.attention import NAME
from tunesmith.model.card import CARD, read_card
from tunesmith.model.native.fused import fuse, unfused
from tunesmith.model.network import hidden_states, logits_at, score_head
from tunesmith.text.chat_template import ChatTemplate
from tunesmith.text.tokenizer import Tokenizer

PROBE_TOLERANCE = 1e-4


@dataclass(slots=True)
class LanguageModel:
    """A network with its tokenizer. `template` is None for a base model that never saw a chat."""

    network: PreTrainedModel
    tokenizer: Tokenizer
    template: ChatTemplate | None
    card: dict[str, Any]

    def chat_template(self) -> ChatTemplate:
        """Return the template.

        Raises:
            ConfigError: a base model, which has none.
        """
        return self.template if self.template is not None else ChatTemplate(self.tokenizer)


def copy_model(model: LanguageModel) -> LanguageModel:
    """Return a model with its own weights; tokenizer and template, which nobody changes, are shared."""
    return LanguageModel(copy.deepcopy(model.network), model.tokenizer, model.template, dict(model.card))


def frozen(model: LanguageModel) -> LanguageModel:
    """Return the model in evaluation mode, without gradients (T-RL-21)."""
    model.network.eval()
    model.network.requires_grad_(False)
    return model


def resolve_folder(name: str, *, shipped: Path | None = None) -> Path:
    """Return the folder of a model named by path, by `desk` (the shipped base) or by hub id.

    Raises:
        ConfigError: no such folder; or it holds pickled weights or code of its own.
        EnvironmentProblem: a hub id that cannot be fetched.
    """
    path = Path(name)
    if name == "desk" and shipped is not None:
        path = shipped
    elif not path.exists() and name.count("/") == 1 and not name.startswith((".", "~", "/")):
        path = _fetch(name)
    if not path.is_dir():
        raise ConfigError("no model folder", where=name, remedy="give a folder, a hub id such as org/name, or desk")
    _refuse_unsafe(path)
    return path


def _fetch(hub_id: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - only a hub id needs the network client

    try:
        return Path(snapshot_download(hub_id, allow_patterns=["*.safetensors", "*.json", "*.jinja"]))
    except Exception as error:
        raise EnvironmentProblem(
            f"could not fetch {hub_id!r} from the hub", why=str(error).splitlines()[0], remedy="give a local folder"
        ) from error


def _refuse_unsafe(folder: Path) -> None:
    config_path = folder / "config.json"
    if not config_path.is_file():
        raise ConfigError("no config.json", where=str(folder), remedy="give a Hugging Face model folder")
    if not any(folder.glob("*.safetensors")):
        pickled = [p.name for p in folder.iterdir() if p.suffix in (".bin", ".pt", ".pth", ".ckpt")]
        why = f"{pickled[0]} is a pickle, which can run code" if pickled else "there are no weights"
        raise ConfigError(
            "no safetensors weights",
            where=str(folder),
            why=why,
            remedy="convert once in a sandbox with model.save_pretrained(folder), then use the new folder",
        )
    try:
        config = orjson.loads(config_path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ConfigError("config.json is not JSON", where=str(config_path), why=str(error)) from error
    if "auto_map" in config:
        raise ConfigError(
            "the model wants to run code of its own (auto_map in config.json)",
            where=str(config_path),
            remedy="use a model whose class is part of transformers; trust_remote_code is never set",
        )


def load_model(folder: Path, *, classifier: bool = False, dtype: torch.dtype = torch.float32) -> LanguageModel:
    """Open a causal LM, or with `classifier` a reward model (`num_labels=1`), with packed attention.

    Raises:
        ConfigError: unsafe or unsuitable folder, tokenizer larger than the embedding, template changed since training.
        NumericalError: NaN or infinity in the weights; names the tensor.
    """
    hush()
    _refuse_unsafe(folder)
    tokenizer = Tokenizer.load(folder)
    auto = AutoModelForSequenceClassification if classifier else AutoModelForCausalLM
    try:
        network, found = auto.from_pretrained(
            str(folder),
            dtype=dtype,
            attn_implementation=NAME,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (ValueError, OSError, KeyError, RuntimeError, SafetensorError) as error:
        raise ConfigError(
            "transformers cannot open this model", where=str(folder), why=str(error).splitlines()[0]
        ) from error
    _refuse_incomplete(found, folder)
    card = read_card(folder)
    template = ChatTemplate(tokenizer) if tokenizer.chat_template is not None else None
    _check_template(folder, card, template)
    check_finite(network, str(folder))
    check_vocabulary(network, tokenizer, str(folder))
    if classifier:
        score_head(network)
    fuse(network)
    probe(network, str(folder))
    network.eval()
    return LanguageModel(network, tokenizer, template, card)


def hush() -> None:
    """Keep transformers' bars and hints off the screen: what a user must know, we say ourselves."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def _refuse_incomplete(found: Mapping[str, Any], folder: Path) -> None:
    """Raise where transformers would go on with random weights in the place of missing ones."""
    missing = sorted(str(name) for name in found["missing_keys"])
    if missing:
        raise ConfigError(
            f"the weights lack {missing[0]}",
            where=str(folder),
            why=f"{len(missing)} tensors are missing",
            remedy="give a complete folder, and one of the right kind (a policy is no reward model)",
        )


def _check_template(folder: Path, card: dict[str, Any], template: ChatTemplate | None) -> None:
    trained = card.get("template_hash")
    found = None if template is None else template.hash
    if trained is not None and trained != found:
        raise ConfigError(
            "the chat template is not the one this model was trained with",
            where=str(folder),
            remedy="restore chat_template.jinja, or delete template_hash from tunesmith.json to accept the change",
        )


def check_finite(network: nn.Module, where: str) -> None:
    """Raise NumericalError when a weight is NaN or infinite."""
    for name, tensor in network.named_parameters():
        if not torch.isfinite(tensor).all():
            raise NumericalError(f"NaN or infinity in {name}", where=where, remedy="use an earlier checkpoint")


def check_vocabulary(network: PreTrainedModel, tokenizer: Tokenizer, where: str) -> None:
    """Raise ConfigError when the tokenizer makes ids that the embedding does not have."""
    rows = network.get_input_embeddings().weight.shape[0]
    if tokenizer.vocab_size > rows:
        raise ConfigError(
            f"the tokenizer has {tokenizer.vocab_size} tokens, the embedding {rows} rows",
            where=where,
            remedy="use the tokenizer saved with the model",
        )


@torch.no_grad()
def probe(network: PreTrainedModel, where: str) -> None:
    """Compare the packed path with the class's own forward pass on a dozen tokens.

    Raises:
        ConfigError: they differ, so this architecture cannot be trained here.
    """
    rows = network.get_input_embeddings().weight.shape[0]
    ids = [(7 * i + 3) % rows for i in range(12)]
    pad = network.config.pad_token_id
    ids = [i if i != pad else (i + 1) % rows for i in ids]
    training = network.training
    network.eval()
    batch = pack([TokenSequence(ids, [True] * len(ids), "probe"), TokenSequence(ids[:5], [True] * 5, "probe")])
    batch = batch.to(network.device)
    ours = hidden_states(network, batch)[: len(ids)]
    ours = score_head(network)(ours[-1:]) if hasattr(network, "score") else logits_at(network, ours)
    network.set_attn_implementation("eager")
    try:
        with unfused(network):
            theirs = network(input_ids=torch.tensor([ids], device=network.device)).logits[0]
    finally:
        network.set_attn_implementation(NAME)
        network.train(training)
    scale = theirs.float().abs().max().clamp_min(1.0)
    tolerance = PROBE_TOLERANCE if theirs.dtype == torch.float32 else 5e-2
    gap = float((ours.float() - theirs.float()).abs().max() / scale)
    if not gap <= tolerance:
        raise ConfigError(
            f"{type(network).__name__} does not work with packed attention",
            where=where,
            why=f"its logits differ by {gap:.2g} from the class's own",
            remedy="use a Llama, Qwen2, GPT-2 or Gemma",
        )


def new_classifier(model: LanguageModel, *, seed: int) -> LanguageModel:
    """Return a reward or value model on a copy of a causal LM's trunk, with a fresh scalar head.

    Head weights are normal with standard deviation 1/sqrt(d + 1), no bias (rlhf_spec R1, T-RM-11).
    """
    body = {k: v for k, v in model.network.config.to_dict().items() if k not in ("id2label", "label2id")}
    config = AutoConfig.for_model(**{**body, "num_labels": 1})
    pad = model.tokenizer.named_id("pad_token")
    if pad is None or pad in model.chat_template().stop_ids:
        raise ConfigError(
            "the tokenizer needs a pad token that is not an end token", remedy="it is added by `tunesmith train sft`"
        )
    config.pad_token_id = pad
    network = AutoModelForSequenceClassification.from_config(config, attn_implementation=NAME)
    network.to(model.network.dtype)
    state = model.network.base_model.state_dict()
    network.base_model.load_state_dict({k: v.clone() for k, v in state.items()})
    head = score_head(network)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        std = (head.in_features + 1) ** -0.5
        head.weight.copy_(torch.randn(head.weight.shape, generator=generator) * std)
    network.to(model.network.device)
    network.eval()
    fuse(network)
    return LanguageModel(network, model.tokenizer, model.template, {})


def save_model(
    model: LanguageModel, folder: Path, *, card: dict[str, Any] | None = None, dtype: torch.dtype | None = None
) -> None:
    """Write weights (safetensors), configuration, tokenizer and card as a Hugging Face folder.

    Everything is written beside it first: a new folder is there complete or not at all.
    """
    hush()
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    # A copy is converted, not its state: tied matrices must stay tied to be written once.
    network = model.network if dtype is None else copy.deepcopy(model.network).to(dtype)
    network.save_pretrained(str(partial))
    model.tokenizer.save(partial)
    body = {**model.card, **(card or {}), "tunesmith": __version__}
    if model.template is not None:
        body["template_hash"] = model.template.hash
    (partial / CARD).write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
    if not folder.exists():
        partial.rename(folder)
        return
    for path in partial.iterdir():  # whatever else lies in the folder stays
        path.replace(folder / path.name)
    partial.rmdir()
