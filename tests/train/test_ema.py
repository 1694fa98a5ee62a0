from __future__ import annotations

import pytest
import torch
from torch import nn

from tunesmith.core.errors import CheckpointError
from tunesmith.train.ema import ExponentialMovingAverage


def average_after(n: int, dtype: torch.dtype = torch.float64) -> tuple[nn.Parameter, ExponentialMovingAverage]:
    weight = nn.Parameter(torch.tensor([3.0, -1.0], dtype=dtype))
    ema = ExponentialMovingAverage({"w": weight}, 0.992)
    with torch.no_grad():
        weight.copy_(torch.tensor([1.0, 2.0]))
    for _ in range(n):
        ema.update()
    return weight, ema


def test_t_rl_20_closed_form() -> None:
    """T-RL-20: ema = w + .992^n (w0 - w); .992^100 = .447886."""
    _, ema = average_after(100)
    share = (ema.state_dict()["w"] - torch.tensor([1.0, 2.0])) / torch.tensor([2.0, -3.0])
    assert share.tolist() == pytest.approx([0.447886, 0.447886], abs=1e-6)
    assert share.tolist() == pytest.approx([0.992**100] * 2, rel=1e-12)


def test_t_rl_20_a_bf16_weight_keeps_an_fp32_average() -> None:
    """A step of 0.8 % is below bf16's resolution: in bf16 the average would stand still."""
    _, ema = average_after(100, torch.bfloat16)
    assert ema.state_dict()["w"].dtype is torch.float32
    assert ema.state_dict()["w"][0].item() == pytest.approx(1 + 2 * 0.992**100, abs=1e-4)


def test_t_rl_20_excluded_from_gradients() -> None:
    weight, ema = average_after(3)
    assert not ema.state_dict()["w"].requires_grad
    (weight.sum() * 2).backward()
    assert ema.state_dict()["w"].grad is None


def test_swapped_in_and_back_bit_for_bit_also_after_an_error() -> None:
    weight, ema = average_after(10)
    before, address = weight.detach().clone(), weight.data_ptr()
    with pytest.raises(RuntimeError), ema.swapped_in():
        assert torch.equal(weight, ema.state_dict()["w"])
        raise RuntimeError("validation failed")
    assert torch.equal(weight, before) and weight.data_ptr() == address


def test_state_round_trip_and_refusal() -> None:
    _, ema = average_after(5)
    _, other = average_after(0)
    other.load_state_dict(ema.state_dict())
    assert torch.equal(other.state_dict()["w"], ema.state_dict()["w"])
    with pytest.raises(CheckpointError, match="shape of 'w' differs"):
        other.load_state_dict({"w": torch.zeros(3)})
    with pytest.raises(CheckpointError, match="lacks 'w'"):
        other.load_state_dict({})
