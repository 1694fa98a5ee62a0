"""Layers that read the same inputs, under bf16 autocast: values and gradients of the plain layers."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from tunesmith.model.native import linear
from tunesmith.model.native.linear import linears
from tunesmith.native.weight_gradients import tiles

pytestmark = pytest.mark.skipif(not tiles(), reason="the processor has no tiles (AMX), or there are no kernels")
ROWS = 70


def layers(*outputs: int, inputs: int = 64, bias: bool = False) -> list[nn.Linear]:
    torch.manual_seed(sum(outputs) + inputs)
    return [nn.Linear(inputs, n, bias=bias) for n in outputs]


def inputs_of(n: int = 64) -> Tensor:
    return torch.randn(1, ROWS, n, generator=torch.Generator().manual_seed(1)).bfloat16()


def trained(made: Sequence[Tensor]) -> None:
    """Run backward from different gradients for every number."""
    loss = torch.stack([(one.float() * torch.linspace(-1, 1, one.numel()).view_as(one)).sum() for one in made]).sum()
    loss.backward()  # type: ignore[no-untyped-call]


def relative(found: Tensor | None, wanted: Tensor | None) -> float:
    assert found is not None and wanted is not None and found.dtype == wanted.dtype
    return float((found - wanted).abs().max() / wanted.abs().max())


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("outputs", [(32,), (32, 48), (64, 32, 32)])
def test_values_and_gradients(outputs: tuple[int, ...], bias: bool) -> None:
    plain = layers(*outputs, bias=bias)
    exact = [copy.deepcopy(layer).double() for layer in plain]
    own = [copy.deepcopy(layer) for layer in plain]
    x, y, z = (inputs_of().requires_grad_() for _ in range(3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made, other = linears(x, *own), tuple(layer(y) for layer in plain)
    assert all(torch.equal(a, b) for a, b in zip(made, other, strict=True))
    trained(made)
    trained(other)
    for layer, wanted in zip(exact, own, strict=True):  # the weights as bf16 sees them
        layer.weight.data = wanted.weight.detach().bfloat16().double()
    trained([layer(z.double()) for layer in exact])
    assert relative(x.grad, z.grad) < 0.01
    for mine, theirs, true in zip(own, plain, exact, strict=True):
        assert mine.weight.grad is not None and mine.weight.grad.dtype == torch.float32
        far = [relative(layer.weight.grad.double(), true.weight.grad) for layer in (mine, theirs)]  # type: ignore[union-attr]
        assert far[0] < 0.005
        assert far[0] <= far[1]
        if bias:
            assert relative(mine.bias.grad.double(), true.bias.grad) < 0.01  # type: ignore[union-attr]


def test_gradients_add_up_over_micro_batches() -> None:
    [layer] = layers(32)
    sums = []
    for _ in range(2):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            trained(linears(inputs_of(), layer))
        assert layer.weight.grad is not None
        sums.append(layer.weight.grad.clone())
    torch.testing.assert_close(sums[1], 2 * sums[0])


def test_an_output_that_nothing_reads_leaves_its_weight_alone() -> None:
    one, two = layers(32, 48)
    x = inputs_of().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        trained(linears(x, one, two)[1:])
    assert one.weight.grad is None and two.weight.grad is not None
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (alone,) = torch.autograd.grad(two(x).float().mul(torch.linspace(-1, 1, ROWS * 48).view(1, ROWS, 48)).sum(), x)
    assert relative(x.grad, alone) < 0.01


@pytest.mark.parametrize(
    "why", ["no autocast", "no gradient", "frozen", "bf16 weight", "odd width", "other class", "fp32"]
)
def test_what_it_does_not_cover_goes_through_the_modules(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(nn.Linear):
        pass

    def refused(*_: object) -> None:
        raise AssertionError("the kernel's path was taken")

    monkeypatch.setattr(linear._Linears, "apply", refused)
    first, second = layers(32, 40 if why == "odd width" else 48)
    x = inputs_of()
    if why == "frozen":
        second.weight.requires_grad_(False)
    if why in ("no autocast", "bf16 weight"):
        first, second = first.bfloat16(), second.bfloat16()
    if why == "other class":
        second = Other(64, 48)
    if why == "fp32":
        x = x.float()
    with (
        torch.autocast("cpu", dtype=torch.bfloat16, enabled=why != "no autocast"),
        torch.set_grad_enabled(why != "no gradient"),
    ):
        made = linears(x, first, second)
        assert all(torch.equal(a, b) for a, b in zip(made, (first(x), second(x)), strict=True))
