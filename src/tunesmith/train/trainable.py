"""The parameters a run may change, by name: each tied tensor once, frozen ones only as a hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tunesmith.core.errors import CheckpointError, ConfigError, NumericalError
from tunesmith.train.objective import StateTree


class Trainable:
    """The modules of a run and their parameters with `requires_grad`.

    `modules` holds the trained modules by name ("policy", "value"). A parameter that appears twice (embedding and
    output projection, or a trunk under two modules) belongs to the first place, and is counted and saved once.
    """

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        self.modules = dict(modules)
        self.by_module: dict[str, dict[str, nn.Parameter]] = {}
        self._frozen: dict[str, nn.Parameter] = {}
        seen: set[int] = set()
        for name, module in self.modules.items():
            fresh = {key: p for key, p in module.named_parameters() if id(p) not in seen}
            seen.update(id(p) for p in fresh.values())
            self.by_module[name] = {key: p for key, p in fresh.items() if p.requires_grad}
            self._frozen |= {f"{name}.{key}": p for key, p in fresh.items() if not p.requires_grad}
            if not self.by_module[name]:
                raise ConfigError("has no parameter that requires a gradient", where=f"module {name!r}")
        self.named = {f"{name}.{key}": p for name, ps in self.by_module.items() for key, p in ps.items()}

    @property
    def device(self) -> torch.device:
        """Where the first parameter lives."""
        return next(iter(self.named.values())).device

    def check_finite(self) -> None:
        """Raise NumericalError that names the first parameter, trained or frozen, with NaN or infinity."""
        for name, parameter in (self.named | self._frozen).items():
            if parameter.is_floating_point() and not torch.isfinite(parameter).all():
                bad = int((~torch.isfinite(parameter)).sum())
                raise NumericalError(
                    f"{bad} of {parameter.numel()} values are NaN or infinite",
                    where=f"initial weights of {name}",
                    remedy="load an undamaged model folder",
                )

    def frozen_hash(self) -> str:
        """Return the SHA-256 of names and bytes of the frozen parameters; "" where there are none."""
        if not self._frozen:
            return ""
        digest = hashlib.sha256()
        for name, parameter in self._frozen.items():
            digest.update(name.encode())
            flat = parameter.detach().cpu().contiguous().reshape(-1)
            digest.update(flat.view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def state_dict(self) -> StateTree:
        """Return trained parameters and persistent buffers, by module. The tensors are the live ones."""
        return {
            name: {"parameters": dict(self.by_module[name]), "buffers": dict(self._buffers(module))}
            for name, module in self.modules.items()
        }

    @torch.no_grad()
    def load_state_dict(self, state: StateTree) -> None:
        """Copy a state into the live tensors.

        Raises:
            CheckpointError: names or shapes differ; the first difference is named.
        """
        for name, module in self.modules.items():
            saved = state.get(name, {"parameters": {}, "buffers": {}})
            live: dict[str, Tensor] = {**self.by_module[name]}
            copy_into(live, saved["parameters"], where=name)
            copy_into(dict(self._buffers(module)), saved["buffers"], where=f"{name} buffers")

    @staticmethod
    def _buffers(module: nn.Module) -> dict[str, Tensor]:
        persistent = module.state_dict(keep_vars=True)
        return {key: buffer for key, buffer in module.named_buffers() if key in persistent}


@torch.no_grad()
def copy_into(live: Mapping[str, Tensor], saved: Mapping[str, Tensor], *, where: str) -> None:
    """Copy saved tensors into live ones of the same names and shapes.

    Raises:
        CheckpointError: a name is missing on one side, or a shape differs.
    """
    odd = sorted(live.keys() ^ saved.keys())
    if odd:
        side = "the checkpoint lacks" if odd[0] in live else "the model lacks"
        raise CheckpointError(f"{side} {odd[0]!r}", where=where, why=f"{len(odd)} names differ")
    for name, tensor in live.items():
        if tensor.shape != saved[name].shape:
            why = f"checkpoint {tuple(saved[name].shape)}, model {tuple(tensor.shape)}"
            raise CheckpointError(f"the shape of {name!r} differs", where=where, why=why)
        tensor.copy_(saved[name])
