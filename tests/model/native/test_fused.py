"""Fused modules give the loss and gradients of transformers' own, and step aside where they do not apply."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tunesmith.data.batch import TokenBatch, TokenSequence, TokenTree, pack, pack_trees
from tunesmith.model.native.fused import fuse, rotary, swiglu, unfused
from tunesmith.model.native.norm import added, rms_norm, stream_and_norm
from tunesmith.model.network import target_nll_sum
from tunesmith.native.library import native

from .networks import CASES, network_of_case, token_rows

pytestmark = pytest.mark.skipif(native().library is None, reason=native().why)


def batches() -> list[TokenBatch]:
    rows = token_rows(3, 17, 40, 9, 25)
    trees = [TokenTree(prompt, rows[:3], "") for prompt in rows[1:]]
    return [pack([TokenSequence(row, [True] * len(row), "") for row in rows]), pack_trees(trees)]


@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradients_are_those_of_the_plain_network(case: str) -> None:
    plain = network_of_case(case)
    fused = copy.deepcopy(plain)
    fuse(fused)
    assert type(fused.base_model.norm) is not type(plain.base_model.norm)
    assert type(fused.base_model.layers[0]) is not type(plain.base_model.layers[0])
    for batch in batches():
        losses = [target_nll_sum(network, batch) for network in (plain, fused)]
        torch.testing.assert_close(losses[1], losses[0], rtol=1e-6, atol=0)
        for loss in losses:
            loss.backward()  # type: ignore[no-untyped-call]
        for (name, one), other in zip(plain.named_parameters(), fused.parameters(), strict=True):
            assert one.grad is not None and other.grad is not None
            scale = float(one.grad.abs().max())
            torch.testing.assert_close(other.grad, one.grad, atol=1e-5 * scale, rtol=1e-5, msg=name)
        plain.zero_grad()
        fused.zero_grad()


def slow_norm(x: Tensor, weight: Tensor) -> Tensor:
    return weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


def slow_rotary(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
    return x * cosine[:, None] + turned * sine[:, None]


def slow_swiglu(gate: Tensor, up: Tensor) -> Tensor:
    return F.silu(gate) * up


ANGLES = torch.randn(50, 9, generator=torch.Generator().manual_seed(1)).repeat(1, 2)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("fast", "slow", "shapes"),
    [
        (lambda x, w: rms_norm(x, w, 1e-6), slow_norm, [(50, 37), (37,)]),
        (
            lambda x: rotary(x, ANGLES.cos(), ANGLES.sin()),
            lambda x: slow_rotary(x, ANGLES.cos(), ANGLES.sin()),
            [(50, 3, 18)],
        ),
        (swiglu, slow_swiglu, [(50, 21), (50, 21)]),
        (
            lambda x, more, w: torch.cat(stream_and_norm(x, more, w, 1e-6), dim=-1),
            lambda x, more, w: torch.cat((x + more, slow_norm(x + more, w)), dim=-1),
            [(50, 37), (50, 37), (37,)],
        ),
        (
            lambda x, more, w: stream_and_norm(x, more, w, 1e-6)[1],
            lambda x, more, w: slow_norm(x + more, w),
            [(50, 37), (50, 37), (37,)],
        ),
    ],
    ids=["norm", "rotary", "swiglu", "stream and norm", "norm of a sum"],
)
def test_each_kernel_equals_the_formula(fast: Any, slow: Any, shapes: list[tuple[int, ...]], threads: int) -> None:
    """Widths that no vector length divides, so that the ends count."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        generator = torch.Generator().manual_seed(0)
        values = [torch.randn(shape, generator=generator) * 3 for shape in shapes]
        results = []
        for function in (fast, slow):
            inputs = [value.clone().requires_grad_() for value in values]
            out = function(*inputs)
            weights = torch.linspace(-1, 1, out.numel()).reshape(out.shape)
            (out * weights).sum().backward()
            results.append((out.detach(), [i.grad for i in inputs]))
    finally:
        torch.set_num_threads(before)
    (out, grads), (slow_out, slow_grads) = results
    torch.testing.assert_close(out, slow_out, rtol=2e-6, atol=2e-6)
    for one, other in zip(grads, slow_grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_bf16_is_rounded_as_pytorch_rounds() -> None:
    """To nearest, ties to even; NaN and infinity stay."""
    x = torch.randn(40, 37, generator=torch.Generator().manual_seed(3)) * 10
    weight = torch.ones(37)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        narrow = rms_norm(x, weight, 1e-6)
    assert narrow.dtype == torch.bfloat16
    assert torch.equal(narrow, rms_norm(x, weight, 1e-6).bfloat16())
    ties = torch.tensor([1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8, float("inf"), float("-inf"), 3.3e38, 1e-40] * 3)
    gate = torch.full_like(ties, 1e4).bfloat16()  # its sigmoid is 1
    up = (ties / 1e4).bfloat16()
    torch.testing.assert_close(swiglu(gate, up), (gate.float() * up.float()).bfloat16(), rtol=0, atol=0)
    assert swiglu(torch.full((20,), float("nan")).bfloat16(), torch.ones(20).bfloat16()).isnan().all()


def test_a_narrow_branch_joins_the_stream_as_pytorch_adds_it() -> None:
    """Sums and the stream's gradient are fp32; the branch's gradient is that, rounded."""
    generator = torch.Generator().manual_seed(4)
    x, w = torch.randn(20, 37, generator=generator), torch.randn(37, generator=generator)
    more = torch.randn(20, 37, generator=generator).bfloat16()
    weights = torch.randn(20, 37, generator=generator)

    def gradients(sum_and_norm: Callable[..., tuple[Tensor, Tensor]]) -> list[Tensor]:
        leaves = [t.clone().requires_grad_() for t in (x, more, w)]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            stream, normed = sum_and_norm(*leaves)
            assert (stream.dtype, normed.dtype) == (torch.float32, torch.bfloat16)
        ((stream * weights).sum() + (normed * weights.flip(0)).sum()).backward()  # type: ignore[no-untyped-call]
        return [stream, normed, *(leaf.grad for leaf in leaves if leaf.grad is not None)]

    def slow(a: Tensor, b: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        total = a + b
        return total, slow_norm(total, weight).bfloat16()

    found, wanted = (gradients(f) for f in (lambda a, b, c: stream_and_norm(a, b, c, 1e-6), slow))
    assert torch.equal(found[0], wanted[0])
    assert [f.dtype for f in found] == [f.dtype for f in wanted]
    assert torch.equal(found[3], found[2].bfloat16())
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.float(), other.float(), rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(found[2], wanted[2], rtol=1e-5, atol=1e-5)


def test_a_wide_branch_joins_under_autocast_too() -> None:
    x, more = torch.randn(4, 37), torch.randn(4, 37)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        stream, normed = stream_and_norm(x, more, torch.ones(37), 1e-6)
    assert torch.equal(stream, x + more)
    assert torch.equal(normed, rms_norm(x + more, torch.ones(37), 1e-6).bfloat16())


def test_a_norm_that_nothing_reads_leaves_the_streams_gradient() -> None:
    x, more = torch.randn(4, 37).requires_grad_(), torch.randn(4, 37).bfloat16().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        stream, _ = stream_and_norm(x, more, torch.ones(37), 1e-6)
    (2 * stream).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None and more.grad is not None and more.grad.dtype == torch.bfloat16
    assert bool((x.grad == 2).all()) and bool((more.grad == 2).all())


def test_adding_a_narrow_branch() -> None:
    x, more = torch.randn(4, 37).requires_grad_(), torch.randn(4, 37).bfloat16().requires_grad_()
    total = added(x, more)
    assert torch.equal(total, x + more)
    (total * 1.001).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None and more.grad is not None
    assert torch.equal(more.grad, x.grad.bfloat16())
    assert torch.equal(added(x, more.float()), x + more)


def test_extreme_gates_stay_finite() -> None:
    gate = torch.tensor([-1e4, -200.0, -100.0, -88.5, -1.0, 0.0, 1.0, 88.5, 200.0, 1e4] * 2)
    up = torch.full_like(gate, 2.0)
    torch.testing.assert_close(swiglu(gate, up), slow_swiglu(gate, up), rtol=2e-6, atol=1e-30)
    broken = swiglu(torch.tensor([float("nan")] * 20), torch.ones(20))
    assert broken.isnan().all()


def test_other_dtypes_go_through_the_classes_own_forward() -> None:
    plain = network_of_case("llama").double()
    fused = copy.deepcopy(plain)
    fuse(fused)
    batch = batches()[0]
    assert torch.equal(target_nll_sum(plain, batch), target_nll_sum(fused, batch))


def test_bf16_autocast_gives_what_the_plain_network_gives() -> None:
    plain = network_of_case("llama")
    fused = copy.deepcopy(plain)
    fuse(fused)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = [target_nll_sum(network, batches()[0]) for network in (plain, fused)]
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-2, atol=0)


@pytest.mark.parametrize("case", CASES)
def test_gradients_under_bf16_are_as_near_to_the_exact_ones_as_the_plain_networks(case: str) -> None:
    exact = network_of_case(case)
    plain, fused = copy.deepcopy(exact), copy.deepcopy(exact)
    fuse(fused)
    for batch in batches():
        errors = []
        target_nll_sum(exact, batch).backward()  # type: ignore[no-untyped-call]
        for network in (plain, fused):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = target_nll_sum(network, batch)
            loss.backward()  # type: ignore[no-untyped-call]
            gone = [(a.grad - b.grad, b.grad) for a, b in zip(network.parameters(), exact.parameters(), strict=True)]
            errors.append(max(float(d.norm() / g.norm()) for d, g in gone))
        assert errors[1] < 1.25 * errors[0] < 0.2
        for network in (exact, plain, fused):
            network.zero_grad()


@pytest.mark.parametrize("precision", ["fp32", "bf16 autocast", "bf16 weights"])
def test_every_projection_is_computed_once(precision: str) -> None:
    network = network_of_case("llama")
    fuse(network)
    if precision == "bf16 weights":
        network.bfloat16()
    calls: Counter[str] = Counter()

    def counting(name: str) -> Callable[..., None]:
        return lambda *_: calls.update([name])

    linears = {name: m for name, m in network.base_model.named_modules() if name.endswith("_proj")}
    for name, module in linears.items():
        module.register_forward_hook(counting(name))
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16 autocast"):
        target_nll_sum(network, batches()[0])
    assert calls == dict.fromkeys(linears, 1)


def test_unfused_is_the_own_network_for_a_while() -> None:
    network = network_of_case("llama")
    before = [type(m) for m in network.modules()]
    fuse(network)
    fused = [type(m) for m in network.modules()]
    with unfused(network):
        assert [type(m) for m in network.modules()] == before
    assert [type(m) for m in network.modules()] == fused != before
