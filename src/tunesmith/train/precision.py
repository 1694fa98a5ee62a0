"""In what precision networks run: forward passes, losses, sampling and scoring. Weights and moments are fp32 always."""

from __future__ import annotations

from typing import Literal

import torch

from tunesmith.core.processor import cpu_flags

Precision = Literal["auto", "fp32", "bf16"]


def resolved(precision: Precision, device: torch.device) -> Literal["fp32", "bf16"]:
    """Return what `auto` is on this device: bf16 where it has units for it, fp32 elsewhere.

    Those are CUDA devices from Ampere on and processors with AMX. Other processors widen bf16 to compute with it, which
    is slower than fp32.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if device.type == "cpu" and "amx_bf16" in (cpu_flags() or ()) else "fp32"


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """Return the context in which networks on this device run in this precision."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=resolved(precision, device) == "bf16")
