"""The generalised Jensen-Shannon divergence: worked numbers, its ends, its gradients, in chunks."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.losses import projection
from tunesmith.losses.distillation import Projected, divergence_sum, generalised_jsd

BETAS = [0.0, 0.1, 0.5, 0.9, 1.0]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make several chunks, the last one short, out of a handful of rows."""
    monkeypatch.setattr(projection, "CHUNK_BYTES", 1)
    monkeypatch.setattr(projection, "CHUNK_MIN_ROWS", 5)


def logits(seed: int, rows: int = 7, words: int = 11) -> Tensor:
    return 2 * torch.randn(rows, words, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sides(seed: int = 0, rows: int = 7, words: int = 11) -> tuple[Projected, Projected]:
    """Return a student of width 4 with a bias and a teacher of width 6 with a soft cap."""
    g = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    student = Projected(drawn(rows, 4), drawn(words, 4), drawn(words))
    return student, Projected(drawn(rows, 6), drawn(words, 6), None, 3.0)


def test_worked_numbers() -> None:
    """P = (3/4, 1/4), Q = (1/2, 1/2); at beta = 1/2, R = (5/8, 3/8)."""
    teacher, student = torch.tensor([[0.75, 0.25]]).double().log(), torch.tensor([[0.5, 0.5]]).double().log()
    forward = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    reverse = 0.5 * math.log(2 / 3) + 0.5 * math.log(2)
    middle = 0.5 * (0.75 * math.log(6 / 5) + 0.25 * math.log(2 / 3)) + 0.5 * (
        0.5 * math.log(4 / 5) + 0.5 * math.log(4 / 3)
    )
    for beta, expected in ((0.0, forward), (1.0, reverse), (0.5, middle)):
        assert generalised_jsd(student, teacher, beta=beta).item() == pytest.approx(expected, rel=1e-12)
    # beta weighs the teacher: R = (0.25 * 3/4 + 0.75 * 1/2, ...) = (9/16, 7/16).
    quarter = 0.25 * (0.75 * math.log(12 / 9) + 0.25 * math.log(4 / 7)) + 0.75 * (
        0.5 * math.log(8 / 9) + 0.5 * math.log(8 / 7)
    )
    assert generalised_jsd(student, teacher, beta=0.25).item() == pytest.approx(quarter, rel=1e-12)


def test_the_ends_are_the_limits_of_the_scaled_divergence() -> None:
    """D_beta / beta -> KL(P || Q) and D_beta / (1 - beta) -> KL(Q || P) (section 2 of the paper)."""
    student, teacher = logits(0), logits(1)
    p, q = teacher.log_softmax(-1), student.log_softmax(-1)
    forward, reverse = (p.exp() * (p - q)).sum(-1), (q.exp() * (q - p)).sum(-1)
    torch.testing.assert_close(generalised_jsd(student, teacher, beta=0), forward)
    torch.testing.assert_close(generalised_jsd(student, teacher, beta=1), reverse)
    tiny = 1e-6
    torch.testing.assert_close(generalised_jsd(student, teacher, beta=tiny) / tiny, forward, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(generalised_jsd(student, teacher, beta=1 - tiny) / tiny, reverse, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("beta", BETAS)
def test_equal_models_have_no_divergence_and_no_gradient_others_a_positive_one(beta: float) -> None:
    same = logits(3)
    assert generalised_jsd(same, same + 5, beta=beta).abs().max().item() < 1e-12
    assert (generalised_jsd(same, logits(4), beta=beta) > 0).all()
    student, _ = sides()
    hidden = student.hidden.clone().requires_grad_()
    found = divergence_sum(student._replace(hidden=hidden), student, beta=beta)
    found.total.backward()
    assert abs(found.total.item()) < 1e-12 and hidden.grad is not None and hidden.grad.abs().max().item() < 1e-12


def test_the_middle_is_symmetric_and_the_ends_mirror_each_other() -> None:
    a, b = logits(5), logits(6)
    for beta in BETAS:
        torch.testing.assert_close(generalised_jsd(a, b, beta=beta), generalised_jsd(b, a, beta=1 - beta))
    assert (generalised_jsd(a, b, beta=0.5) <= math.log(2)).all()


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("beta", BETAS)
def test_value_and_gradients_equal_those_of_the_plain_version(beta: float, temperature: float) -> None:
    student, teacher = sides()
    inputs = [t.clone().requires_grad_() for t in student[:3] if t is not None]
    again = [t.clone().requires_grad_() for t in student[:3] if t is not None]
    found = divergence_sum(Projected(*inputs), teacher, beta=beta, temperature=temperature)
    theirs = 3.0 * torch.tanh(teacher.hidden @ teacher.weight.T / 3.0)
    plain = generalised_jsd((again[0] @ again[1].T + again[2]) / temperature, theirs / temperature, beta=beta)
    torch.testing.assert_close(found.tokens, plain.detach())
    (2 * found.total).backward()
    (2 * plain.sum()).backward()
    for one, other in zip(inputs, again, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize("beta", BETAS)
def test_gradcheck(beta: float) -> None:
    student, teacher = sides(rows=3, words=5)
    inputs = [t.clone().requires_grad_() for t in student[:3] if t is not None]
    assert torch.autograd.gradcheck(lambda *given: divergence_sum(Projected(*given), teacher, beta=beta).total, inputs)


def test_the_teacher_is_constant_and_without_gradients_none_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    student, teacher = sides()
    weight = teacher.weight.clone().requires_grad_()
    hidden = student.hidden.clone().requires_grad_()
    divergence_sum(student._replace(hidden=hidden), teacher._replace(weight=weight), beta=0.5).total.backward()
    assert weight.grad is None and hidden.grad is not None
    monkeypatch.setattr(projection.Gradients, "add", lambda *_: pytest.fail("a gradient was computed"))
    with torch.no_grad():
        divergence_sum(student._replace(hidden=hidden), teacher, beta=0.5)


def test_under_autocast_the_weights_gradient_is_never_rounded() -> None:
    student, teacher = sides()
    inputs = [t.float().requires_grad_() for t in (student.hidden, student.weight)]
    theirs = Projected(teacher.hidden.float(), teacher.weight.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total = divergence_sum(Projected(*inputs), theirs, beta=0.5).total
    _, gradient = torch.autograd.grad(total, inputs)
    assert gradient.dtype == torch.float32
    assert not torch.equal(gradient, gradient.bfloat16().float())
    exact = [t.detach().clone().requires_grad_() for t in inputs]
    _, wanted = torch.autograd.grad(divergence_sum(Projected(*exact), theirs, beta=0.5).total, exact)
    assert float((gradient - wanted).norm() / wanted.norm()) < 0.03


def test_what_does_not_fit_is_refused() -> None:
    student, teacher = sides()
    with pytest.raises(ConfigError, match="between 0 and 1"):
        divergence_sum(student, teacher, beta=1.5)
    with pytest.raises(ConfigError, match="positive"):
        divergence_sum(student, teacher, beta=0.5, temperature=0.0)
    with pytest.raises(DataError, match="7 tokens over 11 words against 6 over 11"):
        divergence_sum(student, teacher._replace(hidden=teacher.hidden[:6]), beta=0.5)
