"""The softmax as one call for many rows, against the formula in double precision."""

from __future__ import annotations

import math

import pytest
import torch

from tunesmith.losses.language import nll_sum
from tunesmith.losses.softmax_rows import covers, softmax_rows_
from tunesmith.native.library import native

pytestmark = pytest.mark.skipif(native().library is None, reason=native().why)


@pytest.mark.parametrize("vocabulary", [1, 2, 7, 16, 33, 500])
@pytest.mark.parametrize("scale", [1.0, 1 / 0.7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("threads", [1, 3])
def test_it_equals_the_formula(vocabulary: int, scale: float, dtype: torch.dtype, threads: int) -> None:
    generator = torch.Generator().manual_seed(vocabulary)
    z = (torch.randn(11, vocabulary, generator=generator) * 4).to(dtype)
    targets = torch.randint(vocabulary, (11,), generator=generator)
    weights = torch.linspace(-2, 3, 11)
    exact = z.double().requires_grad_()
    distribution = torch.log_softmax(exact * scale, dim=-1)
    logprobs = distribution.gather(-1, targets[:, None])[:, 0]
    (-(weights.double() * logprobs).sum()).backward()  # type: ignore[no-untyped-call]
    entropy = -(distribution.exp() * distribution).sum(-1)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        known = softmax_rows_(z.clone(), targets, scale=scale, with_entropy=True)
        gradient = z.clone()
        softmax_rows_(gradient, targets, weights, scale=scale)
    finally:
        torch.set_num_threads(before)
    assert known.entropy is not None
    for mine, wanted in (
        (known.logprobs, logprobs),
        (known.entropy, entropy),
        (known.logsumexp, torch.logsumexp(exact * scale, dim=-1)),
    ):
        torch.testing.assert_close(mine.double(), wanted.detach(), rtol=3e-6, atol=3e-6)
    assert exact.grad is not None
    tolerance = 3e-6 if dtype == torch.float32 else 4e-3
    torch.testing.assert_close(gradient.double(), exact.grad, rtol=tolerance, atol=3e-6)


def test_without_weights_the_logits_stay() -> None:
    z = torch.randn(5, 40)
    before = z.clone()
    softmax_rows_(z, torch.zeros(5, dtype=torch.long))
    assert torch.equal(z, before)


def test_far_apart_and_broken_rows() -> None:
    z = torch.zeros(4, 40)
    z[0, 3], z[1, 3], z[2, 3], z[3, 20] = 1e4, -1e4, 88.0, float("nan")
    found = softmax_rows_(z, torch.full((4,), 3), torch.ones(4), with_entropy=True)
    assert found.entropy is not None
    torch.testing.assert_close(found.logprobs[:2], torch.tensor([0.0, -1e4 - 3.6635616]))
    torch.testing.assert_close(found.entropy[:2], torch.tensor([0.0, 3.6635616]))
    assert z[:3].isfinite().all()
    assert found.logprobs[3].isnan()
    assert z[3].isnan().all()


@pytest.mark.parametrize("vocabulary", [1, 7, 16, 39])
def test_all_logits_may_be_low(vocabulary: int) -> None:
    found = softmax_rows_(torch.full((3, vocabulary), -500.0), torch.zeros(3, dtype=torch.long))
    torch.testing.assert_close(found.logprobs, torch.full((3,), -math.log(vocabulary)))


@pytest.mark.parametrize("target", [-1, 40])
def test_a_target_beyond_the_vocabulary_is_refused(target: int) -> None:
    with pytest.raises(IndexError, match="not one of 40 tokens"):
        softmax_rows_(torch.zeros(2, 40), torch.tensor([0, target]))


def test_what_it_does_not_compute() -> None:
    assert covers(torch.zeros(2, 3))
    assert not covers(torch.zeros(2, 3, dtype=torch.double))
    assert not covers(torch.zeros(3, 2).T)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["by the kernel", "without it"])
def test_the_vocabulary_is_projected_once(dtype: torch.dtype) -> None:
    hidden, weight = torch.randn(5, 8, dtype=dtype), torch.randn(40, 8, dtype=dtype)
    with torch.no_grad(), torch.profiler.profile() as seen:
        nll_sum(hidden, weight, torch.zeros(5, dtype=torch.long))
    assert sum(event.count for event in seen.key_averages() if event.key == "aten::mm") == 1
