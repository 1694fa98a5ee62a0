"""Exponential moving average of the trained weights, one update per optimizer step (InstructGPT: decay 0.992)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from tunesmith.train.objective import StateTree
from tunesmith.train.trainable import copy_into


class ExponentialMovingAverage:
    """After n updates with constant weights w: average = w + decay**n (w0 - w) (T-RL-20).

    The average is kept in fp32 (fp64 for fp64 weights): a step of 0.8 % would be lost in bf16. It never requires a
    gradient.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], decay: float) -> None:
        self._parameters = dict(parameters)
        self._decay = decay
        self._average: dict[str, Tensor] = {
            name: p.detach().clone().to(torch.promote_types(p.dtype, torch.float32)) for name, p in parameters.items()
        }

    @torch.no_grad()
    def update(self) -> None:
        """Move the average by (1 - decay) towards the weights."""
        for name, average in self._average.items():
            average.lerp_(self._parameters[name].to(average.dtype), 1.0 - self._decay)

    @torch.no_grad()
    def reset(self) -> None:
        """Start again from the weights as they are now."""
        for name, average in self._average.items():
            average.copy_(self._parameters[name])

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Within the context the weights are the average; afterwards they are what they were, bit for bit."""
        # Values are copied, not pointers exchanged: compiled graphs and tied views hold on to the storage.
        kept = {name: p.detach().clone() for name, p in self._parameters.items()}
        self.copy_to_weights()
        try:
            yield
        finally:
            copy_into(self._parameters, kept, where="weights")

    @torch.no_grad()
    def copy_to_weights(self) -> None:
        """Overwrite the weights by the average, for good."""
        for name, parameter in self._parameters.items():
            parameter.copy_(self._average[name])

    def state_dict(self) -> StateTree:
        """Return the average by parameter name (the live tensors)."""
        return dict(self._average)

    def load_state_dict(self, state: StateTree) -> None:
        """Restore the average; CheckpointError where names or shapes differ."""
        copy_into(self._average, state, where="moving average")
