"""A complete, made-up results object, and the least one, for the tests of everything that shows results."""

from __future__ import annotations

import numpy as np

from tunesmith.evaluate.overoptimisation import FORMS, OveroptimisationPoint, fit
from tunesmith.evaluate.results import (
    ModelResult,
    OveroptimisationResult,
    Reliability,
    Results,
    RewardModelResult,
    WinRateResult,
)
from tunesmith.statistics.rates import Rate, wilson


def model(success: int, *, perplexity: float, mean_tokens: float = 30.0) -> ModelResult:
    return ModelResult(
        success=wilson(success, 100),
        truthful=wilson(success // 2, 50),
        toxic=wilson(2, 100),
        by_task={"open_qa": wilson(success // 10, 10), "chat": wilson(success // 20, 5)},
        by_scenario={"plain": wilson(success // 10, 10), "noisy": wilson(success // 20, 5)},
        perplexity=perplexity,
        mean_tokens=mean_tokens,
        distinct_2=0.4,
    )


def overoptimisation() -> OveroptimisationResult:
    kl = np.linspace(0.5, 40.0, 12)
    gold = FORMS["rl"](np.sqrt(kl), 0.5, 0.2)
    points = [OveroptimisationPoint(float(k), float(k) ** 0.5, float(g)) for k, g in zip(kl, gold, strict=True)]
    return OveroptimisationResult.of(points, fit(points, "rl"))


def full_results(*, preferred: Rate | None = None) -> Results:
    gold = preferred or wilson(64, 100)
    rows = [Reliability(low=0.5, high=0.75, predicted=0.6, observed=wilson(60, 100), pairs=100)]
    rows += [Reliability(low=0.75, high=1.0, predicted=0.85, observed=wilson(40, 50), pairs=50)]
    return Results(
        seed=3,
        seconds={"sft": 61.0, "reward": 40.0, "ppo_ptx": 100.0, "total": 201.0},
        peak_memory_gib=2.25,
        tokens_per_second={"sft": 40123.0},
        models={
            "base": model(6, perplexity=9.0),
            "sft": model(70, perplexity=10.0),
            "ppo": model(74, perplexity=14.0),
            "ppo_ptx": model(80, perplexity=9.5, mean_tokens=33.0),
            "base_large": model(12, perplexity=7.0),
        },
        reward_model=RewardModelResult(
            accuracy=Rate(0.73, 0.71, 0.75, 90),
            accuracy_heldout_labelers=Rate(0.71, 0.68, 0.74, 90),
            accuracy_shared_pairs=Rate(0.72, 0.69, 0.75, 90),
            labeler_agreement=Rate(0.735, 0.7, 0.77, 90),
            calibration_error=0.031,
            reliability=rows,
        ),
        win_rates={
            "ppo_ptx_vs_sft": WinRateResult(gold=gold, labelers=Rate(0.58, 0.54, 0.62, 100)),
            "ppo_ptx_vs_base": WinRateResult(gold=wilson(95, 100)),
        },
        differences={"ppo_ptx_vs_sft": {"success": Rate(0.1, 0.02, 0.18, 100), "toxic": Rate(0.0, -0.03, 0.03, 100)}},
        kl=7.25,
        overoptimisation=overoptimisation(),
        paths={"ppo_ptx": "out/ppo_ptx/model"},
    )


def least_results() -> Results:
    return Results(
        seed=0,
        seconds={"total": 9.0},
        peak_memory_gib=1.0,
        tokens_per_second={},
        models={"sft": ModelResult(perplexity=5.25)},
    )
