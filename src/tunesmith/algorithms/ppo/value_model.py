"""Where PPO's values come from: a network of their own, or a head on the policy's trunk.

A head starts at 0, as in the code of Ziegler et al. 2019, and not as the reward model's, which reads the states of
another trunk. With V = 0 the first rollout's advantages are those without a baseline, and the value loss does not push
the trunk before the head has learned something.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn
from transformers import PreTrainedModel

from tunesmith.model.network import scores_of
from tunesmith.model.scalar_head import ScalarHead, value_head


@dataclass(frozen=True, slots=True)
class ValueModel:
    """V of a state: what is read off the trunk's last hidden state there. `head` None: the trunk's own score head."""

    trunk: PreTrainedModel
    head: ScalarHead | None = None

    @property
    def shared(self) -> bool:
        """Whether the trunk is the policy's."""
        return self.head is not None

    @property
    def module(self) -> nn.Module:
        """What is trained besides the policy, under a learning rate and a clipping of its own."""
        return self.trunk if self.head is None else self.head

    def read(self, states: Tensor) -> Tensor:
        """Return V (M,) of the trunk's states (M, d), in fp32."""
        values: Tensor = scores_of(self.trunk, states) if self.head is None else self.head(states)
        return values


def value_model(kind: Literal["separate", "shared"], *, policy: PreTrainedModel, reward: PreTrainedModel) -> ValueModel:
    """Return a value model at its start: a trainable copy of the reward model, or a new head on the policy's trunk."""
    if kind == "shared":
        return ValueModel(policy, value_head(policy))
    return ValueModel(copy.deepcopy(reward).requires_grad_(True))
