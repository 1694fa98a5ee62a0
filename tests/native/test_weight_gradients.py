"""The gradient of a weight in tiles: equal to the product in fp64, whatever the shapes and the number of threads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tunesmith.native.weight_gradients import add_weight_gradient_, computes, tiles, weight_gradients

needs_tiles = pytest.mark.skipif(not tiles(), reason="the processor has no tiles (AMX), or there are no kernels")


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def drawn(rows: int, *widths: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(rows + sum(widths))
    return [torch.randn(rows, width, generator=generator).bfloat16() for width in widths]


def product(grad: Tensor, x: Tensor) -> Tensor:
    return grad.double().T @ x.double()


def close(found: Tensor, wanted: Tensor) -> bool:
    """Sums of bf16 products in fp32: rounding of about 1e-7 of the size of what is summed."""
    assert found.dtype == torch.float32
    return float((found - wanted).abs().max()) <= 3e-6 * max(1.0, float(wanted.abs().max()))


@needs_tiles
@pytest.mark.parametrize("rows", [1, 2, 31, 32, 33, 255, 256, 257, 300, 1111])
@pytest.mark.parametrize(("outputs", "inputs"), [(16, 16), (48, 80), (80, 48), (256, 32), (32, 304), (592, 112)])
def test_it_is_the_product(rows: int, outputs: int, inputs: int) -> None:
    grad, x = drawn(rows, outputs, inputs)
    [found] = weight_gradients([grad], x)
    assert found.shape == (outputs, inputs)
    assert close(found, product(grad, x))


@needs_tiles
@pytest.mark.parametrize("inputs", [16, 144, 608])
def test_several_weights_share_their_inputs(inputs: int) -> None:
    """Of 16, 48 and 80 outputs: tiles side by side belong to different weights."""
    *grads, x = drawn(300, 16, 48, 80, inputs)
    found = weight_gradients(grads, x)
    assert [f.shape for f in found] == [(16, inputs), (48, inputs), (80, inputs)]
    assert all(close(f, product(g, x)) for f, g in zip(found, grads, strict=True))


@needs_tiles
@pytest.mark.parametrize(("outputs", "inputs"), [(48, 272), (272, 48)])
def test_the_threads_change_no_bit(outputs: int, inputs: int) -> None:
    grad, x = drawn(700, outputs, inputs)
    found = []
    for n in (1, 2, 3, 40):  # the last: more threads than tiles
        torch.set_num_threads(n)
        found.append(weight_gradients([grad], x)[0])
    assert all(torch.equal(one, found[0]) for one in found[1:])
    assert close(found[0], product(grad, x))


@needs_tiles
@pytest.mark.parametrize(("outputs", "inputs"), [(48, 272), (272, 48)])
def test_adding(outputs: int, inputs: int) -> None:
    grad, x = drawn(300, outputs, inputs)
    total = torch.full((outputs, inputs), 100.0)
    add_weight_gradient_(total, grad, x)
    assert close(total, product(grad, x) + 100)


@needs_tiles
def test_views_count_as_what_they_show() -> None:
    wide, x = drawn(64, 64, 32)
    [found] = weight_gradients([wide[:, 16:48]], x)
    assert close(found, product(wide[:, 16:48], x))


@needs_tiles
def test_no_rows_no_gradient() -> None:
    grad, x = drawn(0, 16, 32)
    assert torch.equal(weight_gradients([grad], x)[0], torch.zeros(16, 32))


def test_what_it_does_not_take() -> None:
    like = torch.zeros(1).bfloat16()
    assert computes(like, 16, 512) is tiles()
    assert not computes(like, 16, 20)
    assert not computes(like.float(), 16)
    assert not computes(like.to("meta"), 16)
