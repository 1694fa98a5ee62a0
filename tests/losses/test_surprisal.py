"""The surprisal loss by hand, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch

from tunesmith.losses.surprisal import CAP, surprisal_loss


def test_small_errors_count_squared_large_ones_plainly_and_surprise_is_capped() -> None:
    predicted = torch.tensor([0.5, 3.0, 4.0])
    logprobs = torch.tensor([-1.0, -0.5, -40.0])
    expected = 0.5**2 / 2 + (2.5 - 0.5) + (CAP - 4.0) ** 2 / 2
    assert surprisal_loss(predicted, logprobs).item() == pytest.approx(expected)


def test_weights_multiply_each_token() -> None:
    predicted, logprobs = torch.tensor([0.0, 0.0]), torch.tensor([-2.0, -3.0])
    assert surprisal_loss(predicted, logprobs, torch.tensor([2.0, 0.0])).item() == pytest.approx(2 * 1.5)


def test_the_log_probs_get_no_gradient() -> None:
    predicted, logprobs = torch.zeros(2, requires_grad=True), torch.tensor([-0.5, -2.0], requires_grad=True)
    surprisal_loss(predicted, logprobs).backward()
    assert logprobs.grad is None
    assert predicted.grad is not None and predicted.grad.tolist() == [-0.5, -1.0]
