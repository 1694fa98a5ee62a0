from __future__ import annotations

import torch

from tests.small import network_of
from tunesmith.model.surprisal_head import SurprisalHead, surprisal_head


def test_a_new_head_says_the_same_of_every_state_and_pushes_none() -> None:
    network = network_of("llama")
    head = surprisal_head(network)
    hidden = torch.randn(3, network.config.hidden_size, requires_grad=True)
    said = head(hidden)
    assert said.tolist() == [SurprisalHead.START] * 3
    said.sum().backward()
    assert hidden.grad is not None and not hidden.grad.any()
    assert head.weight.grad is not None and head.weight.grad.any(), "but it can learn"
