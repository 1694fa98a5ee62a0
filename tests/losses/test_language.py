"""The fused vocabulary projection against the naive one: values, every gradient, memory, dtypes, edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.losses import projection
from tunesmith.losses.language import nll_and_logprobs, nll_sum, projected_logprobs, token_logprobs

OPTIONS = [
    {},
    {"temperature": 0.7},
    {"softcap": 2.0},
    {"temperature": 1.3, "softcap": 1.5},
]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make several chunks, the last one short, out of a handful of rows."""
    monkeypatch.setattr(projection, "CHUNK_BYTES", 1)
    monkeypatch.setattr(projection, "CHUNK_MIN_ROWS", 5)


class Case(NamedTuple):
    hidden: Tensor
    weight: Tensor
    bias: Tensor | None
    targets: Tensor

    @property
    def leaves(self) -> list[Tensor]:
        return [t for t in (self.hidden, self.weight, self.bias) if t is not None]


def case(rows: int = 13, *, dtype: torch.dtype = torch.float32, bias: bool = True, seed: int = 0) -> Case:
    g = torch.Generator().manual_seed(seed)
    hidden = torch.randn(rows, 6, generator=g, dtype=torch.float64).to(dtype).requires_grad_()
    weight = torch.randn(11, 6, generator=g, dtype=torch.float64).to(dtype).requires_grad_()
    shift = torch.randn(11, generator=g, dtype=torch.float64).to(dtype).requires_grad_() if bias else None
    return Case(hidden, weight, shift, torch.randint(0, 11, (rows,), generator=g))


def naive_logits(c: Case, temperature: float = 1.0, softcap: float | None = None) -> Tensor:
    logits = torch.nn.functional.linear(c.hidden, c.weight, c.bias)
    if softcap is not None:
        logits = softcap * torch.tanh(logits / softcap)
    return logits / temperature


def assert_same_gradients(actual: Tensor, expected: Tensor, leaves: list[Tensor]) -> None:
    """Equal to 1e-6 of the largest entry in fp32, to 1e-12 in fp64."""
    got = torch.autograd.grad(actual, leaves)
    want = torch.autograd.grad(expected, leaves)
    for one, other in zip(got, want, strict=True):
        tolerance = 1e-12 if other.dtype == torch.float64 else 1e-6
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance * max(1.0, float(other.abs().max())))


def test_token_logprobs_of_worked_numbers() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])) + torch.tensor([[3.0], [-7.0]])
    logprobs = token_logprobs(logits, torch.tensor([1, 2]))
    torch.testing.assert_close(logprobs, torch.tensor([math.log(0.3), math.log(0.8)]), atol=1e-6, rtol=0)


def test_token_logprobs_are_computed_in_fp32() -> None:
    logits = torch.randn(4, 50).bfloat16()
    logprobs = token_logprobs(logits, torch.arange(4))
    assert logprobs.dtype == torch.float32
    torch.testing.assert_close(logprobs, torch.log_softmax(logits.float(), -1)[range(4), range(4)])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("options", OPTIONS)
def test_projected_logprobs_and_gradients_equal_the_naive_ones(
    options: dict[str, float], bias: bool, dtype: torch.dtype
) -> None:
    """A different upstream gradient on every token, several chunks."""
    c = case(bias=bias, dtype=dtype)
    expected = token_logprobs(naive_logits(c, **options), c.targets)
    actual = projected_logprobs(c.hidden, c.weight, c.targets, bias=c.bias, **options).logprobs
    torch.testing.assert_close(actual, expected, rtol=1e-6, atol=1e-6)
    upstream = torch.randn(len(expected), generator=torch.Generator().manual_seed(1), dtype=dtype)
    assert_same_gradients(actual @ upstream, expected @ upstream, c.leaves)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("options", OPTIONS)
def test_nll_sum_and_gradients_equal_the_naive_ones(options: dict[str, float], bias: bool, dtype: torch.dtype) -> None:
    c = case(bias=bias, dtype=dtype)
    weights = torch.rand(13, generator=torch.Generator().manual_seed(2), dtype=dtype)
    for given in (None, weights):
        logprobs = token_logprobs(naive_logits(c, **options), c.targets)
        expected = -(logprobs if given is None else logprobs * given).sum()
        actual = nll_sum(c.hidden, c.weight, c.targets, given, bias=c.bias, **options)
        torch.testing.assert_close(actual, expected, rtol=1e-6, atol=1e-6)
        assert_same_gradients(3.5 * actual, 3.5 * expected, c.leaves)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("function", [projected_logprobs, nll_sum])
def test_gradcheck(function: Callable[..., object], options: dict[str, float]) -> None:
    c = case(7, dtype=torch.float64)

    def value(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        out = function(hidden, weight, c.targets, bias=bias, **options)
        return out if isinstance(out, Tensor) else out.logprobs  # type: ignore[attr-defined]

    assert torch.autograd.gradcheck(value, (c.hidden, c.weight, c.bias))


def test_entropy_is_the_distributions_and_carries_no_gradient() -> None:
    c = case()
    out = projected_logprobs(c.hidden, c.weight, c.targets, bias=c.bias, temperature=0.7, with_entropy=True)
    expected = torch.distributions.Categorical(logits=naive_logits(c, 0.7)).entropy()
    assert out.entropy is not None and not out.entropy.requires_grad
    torch.testing.assert_close(out.entropy, expected.detach(), rtol=1e-6, atol=1e-6)
    assert bool((out.entropy >= 0).all()) and bool((out.entropy <= math.log(11)).all())
    out.logprobs.sum().backward()
    assert c.hidden.grad is not None
    assert projected_logprobs(c.hidden, c.weight, c.targets).entropy is None


def test_chunk_size_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    c = case(dtype=torch.float64)
    results = []
    for rows in (1, 4, 100):
        monkeypatch.setattr(projection, "CHUNK_MIN_ROWS", rows)
        loss = nll_sum(c.hidden, c.weight, c.targets, bias=c.bias)
        results.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, c.leaves)]))
    torch.testing.assert_close(results[0], results[2], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(results[1], results[2], rtol=1e-12, atol=1e-12)


def largest_tensor(run: Callable[[], Tensor]) -> int:
    """Return the number of elements of the largest tensor that forward and backward make."""
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            nonlocal largest
            result = func(*args, **(kwargs or {}))
            for tensor in result if isinstance(result, tuple) else (result,):
                if isinstance(tensor, Tensor):
                    largest = max(largest, tensor.untyped_storage().nbytes() // tensor.element_size())
            return result

    with Watch():
        run().backward()
    return largest


def test_the_logits_of_all_rows_never_exist_at_once() -> None:
    c = case(200)
    limit = 200 * 6 + 1  # the gradient of the hidden states; the logits would have 200 * 11
    assert largest_tensor(lambda: nll_sum(c.hidden, c.weight, c.targets, bias=c.bias)) < limit
    assert largest_tensor(lambda: projected_logprobs(c.hidden, c.weight, c.targets).logprobs.sum()) < limit
    assert largest_tensor(lambda: token_logprobs(naive_logits(c), c.targets).sum()) >= 200 * 11


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_frozen_inputs_get_no_gradient_and_the_others_theirs(frozen: int) -> None:
    c = case()
    free = [t for i, t in enumerate(c.leaves) if i != frozen]
    c.leaves[frozen].requires_grad_(False)
    expected = -token_logprobs(naive_logits(c), c.targets).sum()
    assert_same_gradients(nll_sum(c.hidden, c.weight, c.targets, bias=c.bias), expected, free)
    expected = -token_logprobs(naive_logits(c), c.targets).sum()
    actual = -projected_logprobs(c.hidden, c.weight, c.targets, bias=c.bias).logprobs.sum()
    assert_same_gradients(actual, expected, free)


def test_without_grad_the_value_is_the_same_and_no_gradient_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    c = case()
    expected = nll_sum(c.hidden, c.weight, c.targets, bias=c.bias).detach()
    monkeypatch.setattr(projection.Gradients, "add", lambda *_: pytest.fail("a gradient was computed"))
    with torch.no_grad():
        assert torch.equal(nll_sum(c.hidden, c.weight, c.targets, bias=c.bias), expected)


def test_gradient_is_right_the_second_time_too() -> None:
    """Gradients kept from the forward pass must survive a backward pass."""
    c = case()
    loss = nll_sum(c.hidden, c.weight, c.targets, bias=c.bias)
    first = torch.autograd.grad(2 * loss, c.leaves, retain_graph=True)
    second = torch.autograd.grad(loss, c.leaves)
    for doubled, single in zip(first, second, strict=True):
        torch.testing.assert_close(doubled, 2 * single)


def test_bf16_keeps_the_softmax_in_fp32_and_gradients_near_the_exact_ones() -> None:
    c = case(40, dtype=torch.bfloat16)
    exact = Case(*(t if t is None or not t.is_floating_point() else t.detach().double().requires_grad_() for t in c))
    out = projected_logprobs(c.hidden, c.weight, c.targets, bias=c.bias).logprobs
    assert out.dtype == torch.float32
    # Only the product is rounded: the same logits through an fp32 log-softmax.
    product = (c.hidden @ c.weight.T).float() + c.bias.float()  # type: ignore[union-attr]
    torch.testing.assert_close(out, token_logprobs(product, c.targets), rtol=1e-6, atol=1e-6)
    got = torch.autograd.grad(nll_sum(c.hidden, c.weight, c.targets, bias=c.bias), c.leaves)
    want = torch.autograd.grad(-token_logprobs(naive_logits(exact), exact.targets).sum(), exact.leaves)
    for one, other in zip(got, want, strict=True):
        assert one.dtype == torch.bfloat16
        assert float((one.double() - other).norm() / other.norm()) < 0.02


def test_autocast_and_mixed_dtypes_use_the_narrow_product() -> None:
    c = case()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = projected_logprobs(c.hidden, c.weight, c.targets, bias=c.bias).logprobs
        loss = nll_sum(c.hidden, c.weight, c.targets, bias=c.bias)
        loss.backward()
    mixed = projected_logprobs(c.hidden.bfloat16(), c.weight, c.targets, bias=c.bias).logprobs
    assert torch.equal(under, mixed) and under.dtype == torch.float32
    assert c.weight.grad is not None and c.weight.grad.dtype == torch.float32
    torch.testing.assert_close(loss, -mixed.sum())
    through = torch.autograd.grad(
        -projected_logprobs(c.hidden.bfloat16(), c.weight, c.targets).logprobs.sum(), c.weight
    )
    for gradient in (c.weight.grad, *through):  # never rounded to bf16
        assert not torch.equal(gradient, gradient.bfloat16().float())


def test_no_rows_are_a_zero_with_zero_gradients() -> None:
    c = case(0)
    loss = nll_sum(c.hidden, c.weight, c.targets) + projected_logprobs(c.hidden, c.weight, c.targets).logprobs.sum()
    assert float(loss.detach()) == 0
    loss.backward()
    assert c.weight.grad is not None and not c.weight.grad.any()


@pytest.mark.parametrize("options", [{"temperature": 0.0}, {"temperature": math.nan}, {"softcap": -1.0}])
def test_impossible_options_are_named(options: dict[str, float]) -> None:
    c = case()
    with pytest.raises(ConfigError, match=next(iter(options))):
        projected_logprobs(c.hidden, c.weight, c.targets, **options)
    with pytest.raises(ConfigError, match=next(iter(options))):
        nll_sum(c.hidden, c.weight, c.targets, **options)


def test_a_wrong_number_of_targets_or_weights_is_named() -> None:
    c = case()
    with pytest.raises(DataError, match="targets"):
        projected_logprobs(c.hidden, c.weight, c.targets[:-1])
    with pytest.raises(DataError, match="weights"):
        nll_sum(c.hidden, c.weight, c.targets, torch.ones(3))


@pytest.mark.parametrize("options", OPTIONS)
def test_the_sum_comes_with_each_log_prob_which_has_no_gradient(options: dict[str, float]) -> None:
    c = case()
    weights = torch.arange(13.0)
    out = nll_and_logprobs(c.hidden, c.weight, c.targets, weights, bias=c.bias, **options)
    expected = projected_logprobs(c.hidden, c.weight, c.targets, bias=c.bias, **options).logprobs
    torch.testing.assert_close(out.logprobs, expected.detach())
    assert not out.logprobs.requires_grad and out.total.requires_grad
    torch.testing.assert_close(out.total, -(weights @ out.logprobs))
