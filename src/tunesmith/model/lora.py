"""Low-rank adapters by peft, put inside transformers' own classes so that everything else stays the same."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from pathlib import Path

import torch
from pydantic import Field
from safetensors.torch import save
from torch import nn
from transformers import PreTrainedModel

from tunesmith.core.config import Strict
from tunesmith.core.errors import EnvironmentProblem
from tunesmith.formats.atomic import replacing

try:
    from peft import LoraConfig, TaskType, inject_adapter_in_model
    from peft.tuners.lora import LoraLayer
except ImportError:  # the `lora` extra is not installed
    LoraConfig = TaskType = inject_adapter_in_model = LoraLayer = None


ADAPTER = "default"  # peft's name for the one adapter that there is


class LoraSettings(Strict):
    """Low-rank adapters (arXiv 2106.09685)."""

    rank: int = Field(16, ge=1, description="rank of the update")
    alpha: float = Field(32.0, gt=0, description="the update is scaled by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout on the adapter's input")
    target_modules: str | tuple[str, ...] = Field("all-linear", description="layers that get adapters")


def add_lora(network: PreTrainedModel, settings: LoraSettings, *, seed: int) -> None:
    """Freeze the network and add trainable adapters in place; a score head stays trainable.

    Raises:
        EnvironmentProblem: peft is not installed.
    """
    if LoraConfig is None:
        raise EnvironmentProblem("LoRA needs the peft package", remedy="pip install 'tunesmith[lora]'")
    torch.manual_seed(seed)
    targets = settings.target_modules
    if targets == "all-linear":
        skip = {network.get_output_embeddings(), getattr(network, "score", None)}
        targets = tuple(
            name
            for name, module in network.named_modules()
            if (isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D") and module not in skip
        )
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(targets),
        fan_in_fan_out=any(type(m).__name__ == "Conv1D" for m in network.modules()),
    )
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    inject_adapter_in_model(config, network)
    head = getattr(network, "score", None)
    if head is not None:
        head.requires_grad_(True)


def _layers(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, module in network.named_modules():
        if LoraLayer is not None and isinstance(module, LoraLayer):
            yield name, module


def save_lora(network: PreTrainedModel, folder: Path, *, base: str) -> None:
    """Write the adapter alone, in peft's format: `PeftModel.from_pretrained(base_model, folder)` opens it.

    `base` is the model that it was trained on. A score head, which is trained whole, is part of it.
    """
    state = network.state_dict()
    head = [name for name in state if name.startswith("score.")]
    kept = {name.replace(f".{ADAPTER}.", "."): state[name] for name in state if ".lora_" in name}
    kept |= {name: state[name] for name in head}
    found = copy.deepcopy(network.peft_config[ADAPTER])
    found.task_type = TaskType.SEQ_CLS if head else TaskType.CAUSAL_LM
    found.modules_to_save = ["score"] if head else None
    found.base_model_name_or_path = base
    found.inference_mode = True
    folder.mkdir(parents=True, exist_ok=True)
    found.save_pretrained(str(folder))
    tensors = {f"base_model.model.{name}": tensor.detach().cpu().contiguous() for name, tensor in kept.items()}
    with replacing(folder / "adapter_model.safetensors") as out:
        out.write(save(tensors, metadata={"format": "pt"}))


def merge_lora(network: PreTrainedModel) -> None:
    """Add every adapter's update to the weights and take the adapters out, in place."""
    for name, layer in list(_layers(network)):
        layer.merge()  # type: ignore[operator]
        parent, _, leaf = name.rpartition(".")
        setattr(network.get_submodule(parent), leaf, layer.get_base_layer())  # type: ignore[operator]
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    if hasattr(network, "peft_config"):
        del network.peft_config


@contextlib.contextmanager
def without_lora(network: PreTrainedModel) -> Iterator[None]:
    """Within the context the network is its frozen base: a reference model that costs no memory."""
    layers = [layer for _, layer in _layers(network)]
    for layer in layers:
        layer.enable_adapters(False)  # type: ignore[operator]
    try:
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(True)  # type: ignore[operator]
