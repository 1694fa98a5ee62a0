"""The K-wise reward loss, the DPO family, SimPO, ORPO, KTO, and what is measured on pairs."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
import torch
from torch import Tensor

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.losses.preference import (
    DpoVariant,
    calibration,
    dpo_loss,
    ipo_mean_loss,
    kto_loss,
    kto_mismatch,
    kto_reference_point,
    kwise_loss,
    kwise_pairs,
    log_ratio_margin,
    orpo_ratio_loss,
    pair_accuracy,
    pairs_of,
    simpo_loss,
)

LN2 = math.log(2)
FIXTURE = [torch.tensor([x], dtype=torch.float64) for x in (-10.0, -12.0, -11.0, -11.5)]
LENGTHS = {"chosen_lengths": torch.tensor([5]), "rejected_lengths": torch.tensor([8])}
VARIANTS: tuple[DpoVariant, ...] = ("sigmoid", "cdpo", "robust", "ipo_sum", "hinge")


def double(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def ranking_loss(scores: Tensor, *orders: list[list[int]]) -> Tensor:
    """Return the mean over rankings, as the engine would: the sum over the number of rankings."""
    found = kwise_pairs(orders)
    return kwise_loss(scores, found.pairs, weights=found.weights) / found.rankings


def strict(*ids: int) -> list[list[int]]:
    return [[i] for i in ids]


# -- pairs


def test_pairs_of_ranks_ties_and_missing_completions() -> None:
    assert pairs_of([["a"], ["b", "c"], ["d"]]) == [("a", "b"), ("a", "c"), ("a", "d"), ("b", "d"), ("c", "d")]
    assert pairs_of([["a", "b", "c"]]) == []
    assert pairs_of([]) == []
    assert pairs_of([["b"], [], ["a"]]) == [("b", "a")]


def test_t_rm_4_a_ranking_without_pairs_is_skipped_and_counted() -> None:
    found = kwise_pairs([[[0, 1, 2]], strict(4, 3), [[5]]])
    assert found.pairs.tolist() == [[4, 3]]
    assert (found.rankings, found.skipped) == (1, 2)
    nothing = kwise_pairs([[[0, 1]]])
    scores = torch.randn(2, requires_grad=True)
    loss = kwise_loss(scores, nothing.pairs, weights=nothing.weights)
    loss.backward()
    assert float(loss.detach()) == 0 and scores.grad is not None and not scores.grad.any()


def test_divisor_is_named_and_differs_only_with_ties() -> None:
    tied = [[0], [1, 2], [3]]
    assert kwise_pairs([tied], divisor="surviving").weights.tolist() == pytest.approx([1 / 5] * 5)
    assert kwise_pairs([tied], divisor="all").weights.tolist() == pytest.approx([1 / 6] * 5)
    assert torch.equal(kwise_pairs([strict(0, 1, 2)], divisor="all").weights, kwise_pairs([strict(0, 1, 2)]).weights)
    with pytest.raises(ConfigError, match="divisor"):
        kwise_pairs([tied], divisor="some")  # type: ignore[arg-type]


# -- the reward model's loss


def test_t_rm_1_mean_of_pairwise_losses_and_its_gradient() -> None:
    scores = double(2, 1, 0, -1).requires_grad_()
    loss = ranking_loss(scores, strict(0, 1, 2, 3))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.2070381, abs=1e-7)
    assert float(kwise_loss(scores.detach(), kwise_pairs([strict(0, 1, 2, 3)]).pairs)) == pytest.approx(
        1.2422284, abs=1e-7
    )
    assert scores.grad is not None
    assert scores.grad.tolist() == pytest.approx([-0.072595, -0.019867, 0.019867, 0.072595], abs=1e-6)
    assert float(scores.grad.sum()) == pytest.approx(0, abs=1e-12)
    by_hand = [math.log1p(math.exp(-(2 - a) + (2 - b))) for a, b in combinations(range(4), 2)]
    assert float(loss.detach()) == pytest.approx(sum(by_hand) / 6, abs=1e-7)


@pytest.mark.parametrize("k", range(2, 10))
def test_t_rm_2_equal_scores_cost_ln_2_for_any_k(k: int) -> None:
    assert float(ranking_loss(torch.full((k,), 3.7), strict(*range(k)))) == pytest.approx(LN2, abs=1e-6)


def test_t_rm_3_each_prompt_weighs_one() -> None:
    found = kwise_pairs([strict(*range(4)), strict(*range(4, 13))])
    assert len(found.pairs) == 6 + 36 and found.rankings == 2
    assert float(found.weights[:6].sum()) == pytest.approx(1, abs=1e-6)
    assert float(found.weights[6:].sum()) == pytest.approx(1, abs=1e-6)
    scores = torch.randn(13, generator=torch.Generator().manual_seed(0))
    alone = (ranking_loss(scores, strict(*range(4))) + ranking_loss(scores, strict(*range(4, 13)))) / 2
    both = ranking_loss(scores, strict(*range(4)), strict(*range(4, 13)))
    torch.testing.assert_close(both, alone)


def test_a_ranking_that_counts_twice_is_the_ranking_given_twice() -> None:
    one, other = strict(0, 1, 2), strict(3, 4)
    scores = torch.randn(5, generator=torch.Generator().manual_seed(0))
    weighted, twice = kwise_pairs([one, other], weights=[2.0, 1.0]), kwise_pairs([one, one, other])
    assert weighted.total == twice.total == 3 and (weighted.rankings, twice.rankings) == (2, 3)
    by_weight, by_hand = (kwise_loss(scores, found.pairs, weights=found.weights) for found in (weighted, twice))
    torch.testing.assert_close(by_weight, by_hand)
    tied = kwise_pairs([[[0, 1]], other], weights=[5.0, 0.5])
    assert (tied.total, tied.skipped) == (0.5, 1), "a ranking without a pair has no weight"


def test_t_rm_4_ties_are_dropped() -> None:
    found = kwise_pairs([[[0], [1, 2], [3]]])
    assert len(found.pairs) == 5
    assert float(ranking_loss(double(0.5, 0.2, -0.1, -0.4), [[0], [1, 2], [3]])) == pytest.approx(0.464968, abs=1e-6)


def test_t_rm_5_shifting_all_scores_changes_nothing_and_swapping_a_label_costs_the_margin() -> None:
    scores = torch.randn(5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    order = strict(3, 0, 4, 1, 2)
    torch.testing.assert_close(ranking_loss(scores + 11.3, order), ranking_loss(scores, order), atol=1e-6, rtol=0)
    delta = scores[0] - scores[1]
    difference = ranking_loss(scores, strict(0, 1)) - ranking_loss(scores, strict(1, 0))
    torch.testing.assert_close(difference, -delta, atol=1e-6, rtol=0)


def test_two_labels_of_one_prompt_are_two_rankings() -> None:
    scores = double(1.0, 0.0)
    both = ranking_loss(scores, strict(0, 1), strict(1, 0))
    torch.testing.assert_close(both, (ranking_loss(scores, strict(0, 1)) + ranking_loss(scores, strict(1, 0))) / 2)


def test_margin_and_centring_enter_as_written() -> None:
    scores, pair = double(1.5, 0.25), torch.tensor([[0, 1]])
    margin = float(kwise_loss(scores, pair, margin=0.5))
    assert margin == pytest.approx(math.log1p(math.exp(-(1.25 - 0.5))), abs=1e-12)
    assert float(kwise_loss(scores, pair, margin=double(0.5))) == pytest.approx(margin, abs=1e-12)
    centred = float(kwise_loss(scores, pair, centring=0.01))
    assert centred == pytest.approx(math.log1p(math.exp(-1.25)) + 0.01 * 1.75**2, abs=1e-12)


def test_extreme_scores_stay_finite() -> None:
    scores = torch.tensor([-1e4, 1e4]).bfloat16().requires_grad_()
    loss = kwise_loss(scores, torch.tensor([[0, 1]]))
    loss.backward()
    assert loss.dtype == torch.float32 and bool(loss.isfinite())
    assert scores.grad is not None and bool(scores.grad.isfinite().all())


# -- measures


def test_t_rm_14_swapping_all_pairs_gives_one_minus_the_accuracy() -> None:
    scores = torch.randn(40, generator=torch.Generator().manual_seed(2))
    pairs = torch.randperm(40, generator=torch.Generator().manual_seed(3)).reshape(-1, 2)
    straight, swapped = pair_accuracy(scores, pairs), pair_accuracy(scores, pairs.flip(1))
    assert straight.tied == 0 and straight.n == 20
    assert straight.accuracy + swapped.accuracy == 1
    assert (straight.correct, straight.wrong) == (swapped.wrong, swapped.correct)


def test_t_rm_15_constant_and_undefined_scores_are_ties() -> None:
    pairs = torch.tensor([[0, 1], [2, 3], [1, 2]])
    constant = pair_accuracy(torch.full((4,), 0.3), pairs)
    assert (constant.correct, constant.wrong, constant.tied, constant.undefined) == (0, 0, 3, 0)
    assert constant.accuracy == 0.5
    undefined = pair_accuracy(torch.tensor([1.0, 0.0, math.nan, 0.0]), pairs)
    assert (undefined.correct, undefined.wrong, undefined.tied, undefined.undefined) == (1, 0, 2, 2)
    assert undefined.n == 3
    assert math.isnan(pair_accuracy(torch.ones(2), torch.empty(0, 2, dtype=torch.long)).accuracy)


def test_calibration_of_worked_numbers() -> None:
    # Confidence .75: one of two right. Confidence .95: all three right.
    margins = torch.tensor([1, -1, 0, 0, 0]) * math.log(3) + torch.tensor([0, 0, 1, 1, 1]) * math.log(19)
    table = calibration(margins, bins=5)
    assert table.counts == (0, 0, 2, 0, 3)
    assert table.confidences[2] == pytest.approx(0.75) and table.frequencies[2] == 0.5
    assert table.confidences[4] == pytest.approx(0.95) and table.frequencies[4] == 1
    assert table.error == pytest.approx((2 * 0.25 + 3 * 0.05) / 5)
    assert math.isnan(table.frequencies[0])


def test_calibration_of_labels_drawn_from_the_model_itself_is_small() -> None:
    """The measure's half of T-RM-13: Bradley-Terry labels with the model's own probabilities; error < .03."""
    g = torch.Generator().manual_seed(4)
    delta = 1.5 * torch.randn(20_000, generator=g)
    label = torch.where(torch.rand(20_000, generator=g) < torch.sigmoid(delta), 1.0, -1.0)
    assert calibration(delta * label).error < 0.03
    assert calibration(3 * delta * label).error > 0.1


def test_calibration_counts_undefined_margins_and_halves_ties() -> None:
    table = calibration(torch.tensor([math.nan, 0.0]))
    assert (table.undefined, sum(table.counts), table.error) == (1, 1, 0.0)
    assert math.isnan(calibration(torch.tensor([math.nan])).error)
    assert calibration(torch.tensor([100.0])).counts[-1] == 1


# -- the DPO family


@pytest.mark.parametrize(
    ("variant", "smoothing", "initial"),
    [("sigmoid", 0, LN2), ("cdpo", 0.1, LN2), ("robust", 0.1, LN2), ("ipo_sum", 0, 25.0), ("hinge", 0, 1.0)],
)
def test_t_po_1_initial_loss_and_gradient(variant: DpoVariant, smoothing: float, initial: float) -> None:
    chosen, rejected = double(-10).requires_grad_(), double(-12)
    loss = dpo_loss(chosen, rejected, chosen.detach(), rejected, beta=0.1, variant=variant, label_smoothing=smoothing)
    assert loss.tolist() == pytest.approx([initial], abs=1e-5)
    loss.sum().backward()
    assert chosen.grad is not None and float(chosen.grad) < 0


def test_t_po_1_initial_kto_is_half_its_weight() -> None:
    logprobs = double(-10, -12).requires_grad_()
    labels = torch.tensor([True, False])
    weights = {"desirable_weight": 1.2, "undesirable_weight": 0.8}
    loss = kto_loss(logprobs, logprobs.detach(), labels, beta=0.1, reference_point=0.0, **weights)
    assert loss.tolist() == pytest.approx([0.6, 0.4], abs=1e-5)
    loss.sum().backward()
    assert logprobs.grad is not None and logprobs.grad[0] < 0 < logprobs.grad[1]


def test_t_po_2_swapping_chosen_and_rejected_negates_the_margin() -> None:
    lw, ll, rw, rl = (torch.randn(30, generator=torch.Generator().manual_seed(i)) for i in range(4))
    torch.testing.assert_close(log_ratio_margin(ll, lw, rl, rw), -log_ratio_margin(lw, ll, rw, rl), atol=1e-6, rtol=0)
    rewards = torch.cat([lw - rw, ll - rl])
    pairs = torch.stack([torch.arange(30), torch.arange(30, 60)], 1)
    assert pair_accuracy(rewards, pairs.flip(1)).accuracy == pytest.approx(1 - pair_accuracy(rewards, pairs).accuracy)


@pytest.mark.parametrize(
    ("variant", "smoothing", "value"),
    [
        ("sigmoid", 0, 0.620957),
        ("cdpo", 0.1, 0.635957),
        ("robust", 0.1, 0.602207),
        ("ipo_sum", 0, 12.25),
        ("hinge", 0, 0.85),
    ],
)
def test_t_po_3_dpo_fixtures(variant: DpoVariant, smoothing: float, value: float) -> None:
    loss = dpo_loss(*FIXTURE, beta=0.1, variant=variant, label_smoothing=smoothing)
    assert loss.tolist() == pytest.approx([value], abs=1e-5)


def test_t_po_3_dpo_gradient_fixture() -> None:
    chosen = FIXTURE[0].clone().requires_grad_()
    dpo_loss(chosen, *FIXTURE[1:], beta=0.1).sum().backward()
    assert chosen.grad is not None and float(chosen.grad) == pytest.approx(-0.046257, abs=1e-6)


def test_t_po_3_simpo_orpo_and_kto_fixtures() -> None:
    lw, ll, rw, rl = FIXTURE
    assert simpo_loss(lw, ll, **LENGTHS, beta=2.0, gamma=1.0).tolist() == pytest.approx([2.126928], abs=1e-5)
    assert orpo_ratio_loss(lw, ll, **LENGTHS).tolist() == pytest.approx([1.042058], abs=1e-5)
    policy, ref = torch.cat([lw, ll]), torch.cat([rw, rl])
    loss = kto_loss(policy, ref, torch.tensor([True, False]), beta=0.1, reference_point=0.5)
    assert loss.tolist() == pytest.approx([0.487503, 0.475021], abs=1e-5)


def test_t_po_13_summed_and_averaged_ipo_have_different_names_and_numbers() -> None:
    assert dpo_loss(*FIXTURE, beta=0.1, variant="ipo_sum").tolist() == pytest.approx([12.25], abs=1e-5)
    assert ipo_mean_loss(*FIXTURE, **LENGTHS, beta=0.1).tolist() == pytest.approx([22.4439], abs=1e-4)
    for ambiguous in ("ipo", "ipo_mean"):
        with pytest.raises(ConfigError, match="ipo_mean_loss"):
            dpo_loss(*FIXTURE, beta=0.1, variant=ambiguous)  # type: ignore[arg-type]


def test_t_po_7_per_token_means_ignore_more_tokens_of_the_same_likelihood() -> None:
    lw, ll = double(-10), double(-12)
    longer = {"chosen_lengths": torch.tensor([10]), "rejected_lengths": torch.tensor([8])}
    options = {"beta": 2.0, "gamma": 1.0}
    torch.testing.assert_close(simpo_loss(2 * lw, ll, **longer, **options), simpo_loss(lw, ll, **LENGTHS, **options))
    torch.testing.assert_close(orpo_ratio_loss(2 * lw, ll, **longer), orpo_ratio_loss(lw, ll, **LENGTHS))


def test_t_po_9_half_flipped_cdpo_is_lowest_without_a_margin() -> None:
    h = torch.linspace(-3, 3, 601, dtype=torch.float64)
    zero = torch.zeros_like(h)
    loss = dpo_loss(h, zero, zero, zero, beta=0.5, variant="cdpo", label_smoothing=0.5)
    assert float(h[loss.argmin()]) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.4])
def test_t_po_9_robust_dpo_is_unbiased_under_flips(rate: float) -> None:
    lw, ll, rw, rl = FIXTURE
    options = {"beta": 0.1, "variant": "robust", "label_smoothing": rate}
    kept = dpo_loss(lw, ll, rw, rl, **options)  # type: ignore[arg-type]
    flipped = dpo_loss(ll, lw, rl, rw, **options)  # type: ignore[arg-type]
    torch.testing.assert_close((1 - rate) * kept + rate * flipped, dpo_loss(*FIXTURE, beta=0.1), atol=1e-6, rtol=0)


@pytest.mark.parametrize("p", [0.3, 0.5, 0.9])
def test_t_po_10_optimal_margin_of_a_two_way_bandit(p: float) -> None:
    h = torch.linspace(-50, 50, 100_001, dtype=torch.float64)
    zero = torch.zeros_like(h)
    loss = p * dpo_loss(h, zero, zero, zero, beta=0.1) + (1 - p) * dpo_loss(zero, h, zero, zero, beta=0.1)
    assert float(h[loss.argmin()]) == pytest.approx(math.log(p / (1 - p)) / 0.1, abs=1e-3)


def test_t_po_11_beta_scales_the_margin() -> None:
    h, zero = double(-1.5, 0.2, 4.0), torch.zeros(3, dtype=torch.float64)
    torch.testing.assert_close(
        dpo_loss(h, zero, zero, zero, beta=0.2), dpo_loss(2 * h, zero, zero, zero, beta=0.1), atol=1e-7, rtol=0
    )


def test_t_po_12_identical_completions_cost_ln_2_and_teach_nothing() -> None:
    both = double(-7).requires_grad_()
    loss = dpo_loss(both, both, double(-6), double(-6), beta=0.1)
    loss.sum().backward()
    assert loss.tolist() == pytest.approx([LN2], abs=1e-6)
    assert both.grad is not None and float(both.grad) == pytest.approx(0, abs=1e-12)
    # Reported: neither right nor wrong.
    assert pair_accuracy(torch.tensor([0.3, 0.3]), torch.tensor([[0, 1]])).tied == 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_dpo_is_per_pair_and_computed_in_fp32(variant: DpoVariant) -> None:
    columns = [torch.cat([x, x + i]).float() for i, x in enumerate(FIXTURE)]
    both = dpo_loss(*columns, beta=0.1, variant=variant)
    assert both.shape == (2,)
    assert float(both[0]) == pytest.approx(float(dpo_loss(*FIXTURE, beta=0.1, variant=variant)), abs=1e-4)
    assert dpo_loss(*(c.bfloat16() for c in columns), beta=0.1, variant=variant).dtype == torch.float32


def test_dpo_refuses_options_that_mean_nothing() -> None:
    for options, place in (
        ({"beta": 0.0}, "beta"),
        ({"beta": 0.1, "variant": "other"}, "variant"),
        ({"beta": 0.1, "label_smoothing": 0.1}, "label_smoothing"),
        ({"beta": 0.1, "variant": "robust", "label_smoothing": 0.5}, "label_smoothing"),
    ):
        with pytest.raises(ConfigError, match=place):
            dpo_loss(*FIXTURE, **options)  # type: ignore[arg-type]


def test_empty_completions_are_refused_where_lengths_divide() -> None:
    lengths = {"chosen_lengths": torch.tensor([0]), "rejected_lengths": torch.tensor([8])}
    with pytest.raises(DataError, match="no tokens"):
        simpo_loss(*FIXTURE[:2], **lengths, beta=2.0, gamma=1.0)
    with pytest.raises(DataError, match="no tokens"):
        orpo_ratio_loss(*FIXTURE[:2], **lengths)
    with pytest.raises(DataError, match="no tokens"):
        ipo_mean_loss(*FIXTURE, **lengths, beta=0.1)


def test_orpo_survives_a_certain_completion() -> None:
    chosen = torch.tensor([0.0, -1e-9, -300.0]).requires_grad_()
    lengths = torch.ones(3, dtype=torch.long)
    loss = orpo_ratio_loss(chosen, torch.full((3,), -2.0), chosen_lengths=lengths, rejected_lengths=lengths)
    loss.sum().backward()
    assert bool(loss.isfinite().all())
    assert chosen.grad is not None and bool(chosen.grad.isfinite().all())


# -- KTO


@pytest.mark.parametrize("n", [2, 3, 4, 5, 7])
def test_t_po_8_mismatch_has_no_fixed_point(n: int) -> None:
    shift = kto_mismatch(n)
    assert sorted(shift.tolist()) == list(range(n))
    assert bool((shift != torch.arange(n)).all())


def test_t_po_8_a_batch_of_one_is_refused() -> None:
    with pytest.raises(DataError, match="mismatched"):
        kto_mismatch(1)


def test_t_po_8_reference_point_is_detached_and_not_negative() -> None:
    policy = torch.tensor([-3.0, -1.0], requires_grad=True)
    point = kto_reference_point(policy, torch.tensor([-4.0, -1.5]))
    assert float(point) == pytest.approx(0.75) and not point.requires_grad
    assert float(kto_reference_point(policy, torch.tensor([-1.0, -1.0]))) == 0
