"""The random number generators of python, numpy and torch as state: seed, capture, restore."""

from __future__ import annotations

import random

import numpy as np
import torch

from tunesmith.train.objective import StateTree


def seed_everything(seed: int) -> None:
    """Seed python, numpy and torch (all devices)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def capture() -> StateTree:
    """Return the state of every generator; reading it changes nothing."""
    version, internal, gauss = random.getstate()
    _, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": {"version": version, "internal": torch.tensor(internal, dtype=torch.int64), "gauss": gauss},
        "numpy": {
            "keys": torch.from_numpy(np.asarray(keys).astype(np.int64)),
            "position": int(position),
            "has_gauss": int(has_gauss),
            "cached_gaussian": float(cached),
        },
        "torch": torch.get_rng_state(),
        "cuda": list(torch.cuda.get_rng_state_all()) if torch.cuda.is_available() else [],
    }


def restore(state: StateTree) -> list[str]:
    """Set every generator as captured; return in words what this machine could not take over."""
    python, legacy = state["python"], state["numpy"]
    random.setstate((python["version"], tuple(python["internal"].tolist()), python["gauss"]))
    keys = legacy["keys"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, legacy["position"], legacy["has_gauss"], legacy["cached_gaussian"]))
    torch.set_rng_state(state["torch"])
    saved, present = len(state["cuda"]), torch.cuda.device_count() if torch.cuda.is_available() else 0
    if saved != present:
        return [f"the run had {saved} CUDA generators, this machine has {present}: it will not continue bit-equal"]
    if saved:
        torch.cuda.set_rng_state_all(state["cuda"])
    return []
