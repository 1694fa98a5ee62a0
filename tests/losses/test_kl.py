"""KL estimators, the gradients they have as losses, the adaptive controller, and best-of-n."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import combinations

import pytest
import torch
from torch import Tensor

from tunesmith.core.errors import CheckpointError, ConfigError, DataError, NumericalError
from tunesmith.losses.kl import AdaptiveKLController, best_of_n_kl, best_of_n_value, k1, k2, k3, kl_loss

POLICY = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
REFERENCE = torch.tensor([0.4, 0.4, 0.2], dtype=torch.float64)


def expected_loss_gradient(loss: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the mean over samples of the policy of the gradient of a loss on their log-probs, by enumeration."""
    logits = POLICY.log().clone().requires_grad_()
    (POLICY @ loss(torch.log_softmax(logits, 0))).backward()
    assert logits.grad is not None
    return logits.grad


def test_t_rl_2_equal_policies_have_no_kl() -> None:
    logprobs = torch.randn(50).neg().exp().neg()
    for estimator in (k1, k2, k3):
        assert not estimator(logprobs, logprobs.clone()).any()
    assert not kl_loss(logprobs, logprobs.clone(), logprobs.clone()).any()


def test_t_rl_6_expectations_and_spreads() -> None:
    policy, reference = POLICY.log(), REFERENCE.log()
    means = [float(POLICY @ estimator(policy, reference)) for estimator in (k1, k2, k3)]
    assert means == pytest.approx([0.0252672, 0.0248624, 0.0252672], abs=5e-8)
    spreads = [math.sqrt(float(POLICY @ (e(policy, reference) - m) ** 2)) for e, m in ((k1, means[0]), (k3, means[2]))]
    assert spreads == pytest.approx([0.2216, 0.0160], abs=5e-5)


def test_t_rl_6_k3_is_never_negative() -> None:
    g = torch.Generator().manual_seed(0)
    logprobs = -5 * torch.rand(10_000, generator=g)
    for spread in (1e-4, 1e-2, 1.0, 10.0):
        assert bool((k3(logprobs, logprobs + spread * torch.randn(10_000, generator=g)) >= 0).all())


def test_t_rl_6_monte_carlo_lies_within_four_standard_errors() -> None:
    actions = torch.multinomial(POLICY, 20_000, replacement=True, generator=torch.Generator().manual_seed(3))
    exact = float(POLICY @ (POLICY / REFERENCE).log())
    for estimator in (k1, k3):
        samples = estimator(POLICY.log()[actions], REFERENCE.log()[actions])
        assert abs(float(samples.mean()) - exact) < 4 * float(samples.std()) / math.sqrt(len(samples))


def test_t_rl_7_only_k2_and_the_corrected_k3_have_the_gradient_of_the_kl() -> None:
    true = torch.tensor([0.098938, -0.093885, -0.005053], dtype=torch.float64)
    reference = REFERENCE.log()
    for loss in (lambda lp: k2(lp, reference), lambda lp: kl_loss(lp, POLICY.log(), reference)):
        torch.testing.assert_close(expected_loss_gradient(loss), true, atol=1e-6, rtol=0)
    zero = expected_loss_gradient(lambda lp: k1(lp, reference))
    torch.testing.assert_close(zero, torch.zeros_like(true), atol=1e-12, rtol=0)
    other_direction = expected_loss_gradient(lambda lp: k3(lp, reference))
    torch.testing.assert_close(other_direction, POLICY - REFERENCE, atol=1e-12, rtol=0)


def test_t_rl_7_the_loss_stays_right_when_the_policy_has_moved_away_from_its_samples() -> None:
    old = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
    logits = POLICY.log().clone().requires_grad_()
    logprobs = torch.log_softmax(logits, 0)
    estimate = old @ kl_loss(logprobs, old.log(), REFERENCE.log())
    exact = logprobs.exp() @ (logprobs - REFERENCE.log())
    torch.testing.assert_close(estimate, exact, atol=1e-12, rtol=0)
    torch.testing.assert_close(
        *(torch.autograd.grad(value, logits, retain_graph=True)[0] for value in (estimate, exact))
    )


def test_bf16_log_probs_are_widened_first() -> None:
    narrow = torch.tensor([-3.0, -1.0]).bfloat16()
    assert {f(narrow, narrow).dtype for f in (k1, k2, k3)} == {torch.float32}


@pytest.mark.parametrize(("kl", "coef"), [(12.0, 0.150768), (6.6, 0.150384), (6.0, 0.15), (0.0, 0.149232)])
def test_t_rl_17_adaptive_coefficient(kl: float, coef: float) -> None:
    controller = AdaptiveKLController(0.15, target=6.0, horizon=10_000)
    assert controller.update(kl, 256) == pytest.approx(coef, abs=1e-9)
    assert controller.coef == pytest.approx(coef, abs=1e-9)


def test_t_rl_17_the_error_is_clamped_at_a_fifth() -> None:
    for kl, limit in ((7.2, 1e6), (4.8, 0.0)):
        at_clamp, beyond = AdaptiveKLController(0.15, target=6.0), AdaptiveKLController(0.15, target=6.0)
        assert at_clamp.update(kl, 256) == pytest.approx(beyond.update(limit, 256), abs=1e-12)


def test_t_rl_17_fixed_mode_never_moves() -> None:
    controller = AdaptiveKLController(0.02)
    assert [controller.update(kl, 512) for kl in (0.0, 3.0, 500.0)] == [0.02] * 3


def test_t_rl_17_resumes_through_json() -> None:
    straight = AdaptiveKLController(0.15, target=6.0)
    straight.update(9.0, 256)
    resumed = AdaptiveKLController(0.15, target=6.0)
    resumed.load_state_dict(json.loads(json.dumps(straight.state_dict())))
    assert resumed.update(5.0, 256) == straight.update(5.0, 256)
    with pytest.raises(CheckpointError, match="coef"):
        resumed.load_state_dict({})


def test_controller_refuses_what_cannot_work() -> None:
    with pytest.raises(ConfigError, match="kl_coef"):
        AdaptiveKLController(-0.1)
    with pytest.raises(ConfigError, match="kl_target"):
        AdaptiveKLController(0.1, target=0.0)
    with pytest.raises(ConfigError, match="kl_horizon"):
        AdaptiveKLController(0.1, target=6.0, horizon=0)
    with pytest.raises(ConfigError, match="reach zero"):
        AdaptiveKLController(0.1, target=6.0, horizon=100).update(1.0, 512)
    with pytest.raises(NumericalError):
        AdaptiveKLController(0.1, target=6.0).update(math.nan, 1)


@pytest.mark.parametrize(
    ("n", "kl"),
    [(1, 0), (2, 0.193147), (4, 0.636294), (16, 1.835089), (64, 3.174508), (1000, 5.908755), (60000, 10.002117)],
)
def test_t_ev_14_best_of_n_kl(n: int, kl: float) -> None:
    assert best_of_n_kl(n) == pytest.approx(kl, abs=1e-6)


@pytest.mark.parametrize(("outcomes", "n", "true"), [(2, 2, 0.130812), (2, 16, 0.692963), (10, 4, 0.628825)])
def test_t_ev_14_the_kl_is_a_bound_where_outcomes_repeat(outcomes: int, n: int, true: float) -> None:
    ranks = torch.arange(outcomes + 1, dtype=torch.float64) / outcomes
    best = (ranks**n).diff()
    kl = float(best @ (best * outcomes).log())
    assert kl == pytest.approx(true, abs=1e-6)
    assert kl < best_of_n_kl(n)


@pytest.mark.parametrize(("n", "value"), [(1, 1.5), (2, 7 / 3), (3, 2.75), (4, 3.0)])
def test_t_ev_14_unbiased_estimate_of_worked_numbers(n: int, value: float) -> None:
    scores = torch.tensor([2.0, 0.0, 3.0, 1.0])
    assert float(best_of_n_value(scores, scores, n)) == pytest.approx(value, abs=1e-12)


def brute_force(proxy: Tensor, values: Tensor, n: int) -> float:
    """Return the mean over all subsets of the mean value of those that share the highest proxy score."""
    results = []
    for subset in combinations(range(len(proxy)), n):
        scores = proxy[list(subset)]
        results.append(float(values[list(subset)][scores == scores.max()].double().mean()))
    return sum(results) / len(results)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_t_ev_14_unbiased_estimate_equals_brute_force(n: int) -> None:
    g = torch.Generator().manual_seed(n)
    proxy, gold = torch.randn(3, 8, generator=g), torch.randn(3, 8, generator=g)
    expected = [brute_force(p, v, n) for p, v in zip(proxy, gold, strict=True)]
    assert best_of_n_value(proxy, gold, n).tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_ties_are_broken_evenly_in_whatever_order_they_come(n: int) -> None:
    proxy, gold = torch.tensor([1.0, 2, 2, 0, 2, 1]), torch.tensor([5.0, 1, 7, -3, 2, 4])
    # Drawing among the winners of every tie-broken order: the mean over random strict refinements of the order.
    g = torch.Generator().manual_seed(0)
    refined = proxy + 1e-3 * torch.rand(20_000, 6, generator=g)
    expected = float(best_of_n_value(refined, gold.expand(20_000, 6), n).mean())
    assert float(best_of_n_value(proxy, gold, n)) == pytest.approx(expected, abs=0.06)
    shuffle = torch.tensor([3, 5, 4, 0, 2, 1])
    assert float(best_of_n_value(proxy[shuffle], gold[shuffle], n)) == pytest.approx(
        float(best_of_n_value(proxy, gold, n)), abs=1e-12
    )


def test_a_thousand_samples_do_not_overflow() -> None:
    ranks = torch.arange(1000.0)
    assert float(best_of_n_value(ranks, ranks, 500)) == pytest.approx(500 / 501 * 1001 - 1, rel=1e-9)


def test_best_of_n_refuses_impossible_n_and_unscored_samples() -> None:
    scores = torch.tensor([1.0, 2.0])
    with pytest.raises(ConfigError, match="best_of_n"):
        best_of_n_kl(0)
    with pytest.raises(ConfigError, match="2 samples"):
        best_of_n_value(scores, scores, 3)
    with pytest.raises(DataError, match="not a number"):
        best_of_n_value(torch.tensor([1.0, math.nan]), scores, 1)
