"""A scalar read off the state at a token: how surprising the token was. It is trained along and not saved."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


class SurprisalHead(nn.Module):
    """s(h) = w . h + b, in nats; starts at `START` for every state, so that nothing is pushed at the beginning."""

    START = 0.5

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(hidden_size))
        self.bias = nn.Parameter(torch.tensor(self.START))

    def forward(self, hidden: Tensor) -> Tensor:
        """(M, d) -> (M,)."""
        return (hidden @ self.weight + self.bias).float()


def surprisal_head(network: PreTrainedModel) -> SurprisalHead:
    """Return a new head for the network's states, on its device."""
    return SurprisalHead(network.config.hidden_size).to(network.device)
