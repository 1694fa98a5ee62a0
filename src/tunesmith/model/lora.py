"""Low-rank adapters by peft, put inside transformers' own classes so that everything else stays the same."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from pydantic import Field
from torch import nn
from transformers import PreTrainedModel

from tunesmith.core.config import Strict
from tunesmith.core.errors import EnvironmentProblem

try:
    from peft import LoraConfig, inject_adapter_in_model
    from peft.tuners.lora import LoraLayer
except ImportError:  # the `lora` extra is not installed
    LoraConfig = inject_adapter_in_model = LoraLayer = None


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
