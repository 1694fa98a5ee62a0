"""The width of losses."""

from __future__ import annotations

import pytest
import torch

from tunesmith.losses.precision import wide, wide_dtype


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_narrow_types_widen_and_wide_ones_stay(given: torch.dtype, expected: torch.dtype) -> None:
    assert wide_dtype(given) == expected
    assert wide(torch.ones(2, dtype=given)).dtype == expected


def test_gradients_pass_in_the_given_type() -> None:
    leaf = torch.ones(2, dtype=torch.bfloat16, requires_grad=True)
    wide(leaf).sum().backward()
    assert leaf.grad is not None and leaf.grad.dtype == torch.bfloat16
