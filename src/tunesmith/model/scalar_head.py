"""A number read off the state at a token. The head is trained along with a network and is no part of its folder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

SURPRISAL_START = 0.5


class ScalarHead(nn.Module):
    """f(h) = w . h + b; at first w = 0 and b = `start`: it says the same of every state and pushes none."""

    def __init__(self, hidden_size: int, *, start: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(hidden_size))
        self.bias = nn.Parameter(torch.tensor(start))

    def forward(self, hidden: Tensor) -> Tensor:
        """(M, d) -> (M,), in fp32."""
        return (hidden @ self.weight + self.bias).float()


def surprisal_head(network: PreTrainedModel) -> ScalarHead:
    """Return a new head that tells how surprising a token was, in nats, from the network's state at it."""
    return _head(network, SURPRISAL_START)


def value_head(network: PreTrainedModel) -> ScalarHead:
    """Return a new head that tells the return to come from the network's state; 0 at first, as Ziegler et al.'s."""
    return _head(network, 0.0)


def _head(network: PreTrainedModel, start: float) -> ScalarHead:
    return ScalarHead(network.config.hidden_size, start=start).to(network.device)
