from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from transformers import PreTrainedModel

from tests.small import network_of
from tunesmith.model.scalar_head import SURPRISAL_START, ScalarHead, surprisal_head, value_head


@pytest.mark.parametrize(("make", "start"), [(surprisal_head, SURPRISAL_START), (value_head, 0.0)])
def test_a_new_head_says_the_same_of_every_state_and_pushes_none(
    make: Callable[[PreTrainedModel], ScalarHead], start: float
) -> None:
    network = network_of("llama")
    head = make(network)
    hidden = torch.randn(3, network.config.hidden_size, requires_grad=True)
    said = head(hidden)
    assert said.tolist() == [start] * 3
    said.sum().backward()
    assert hidden.grad is not None and not hidden.grad.any()
    assert head.weight.grad is not None and head.weight.grad.any(), "but it can learn"
    assert head.bias.grad is not None and head.bias.grad == 3
