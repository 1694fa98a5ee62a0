"""GRPO: whole groups, nothing learned from equal scores (T-RL-27), denominators (T-GA-8), resume (T-RES-4)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.algorithms.loop import gradient_of, task_of, train
from tests.small import network_of
from tunesmith.algorithms.grpo import (
    GroupBatch,
    GroupMaker,
    GRPOObjective,
    GRPOSettings,
    GRPOSource,
    ScoreEpisodes,
)
from tunesmith.algorithms.rollout import Episode
from tunesmith.core.errors import DataError

PROMPTS = [([5 + i, 6, *range(7, 7 + i % 4)], f"p{i}") for i in range(8)]


def settings_of(**more: Any) -> GRPOSettings:
    small = {
        "total_prompts": 16,
        "prompts_per_rollout": 8,
        "prompts_per_step": 4,
        "group_size": 4,
        "max_tokens": 6,
    }
    return GRPOSettings(**{**small, **more})


def by_nines(episodes: Sequence[Episode]) -> Tensor:
    return torch.tensor([e.completion.count(9) + 0.1 * len(e.completion) for e in episodes])


class Scene:
    """A policy and its frozen copy."""

    def __init__(self, family: str = "llama", **more: Any) -> None:
        self.policy = network_of(family, 24, **more)
        self.reference = copy.deepcopy(self.policy).requires_grad_(False)

    def source(
        self, settings: GRPOSettings, score: ScoreEpisodes = by_nines, *, tokens: int = 10_000, seed: int = 0
    ) -> GRPOSource:
        maker = GroupMaker(
            policy=self.policy,
            reference=self.reference,
            score=score,
            settings=settings,
            stop_ids=(2,),
            micro_batch_tokens=tokens,
        )
        return GRPOSource(maker=maker, prompts=PROMPTS, settings=settings, micro_batch_tokens=tokens, seed=seed)

    def task(self, settings: GRPOSettings, source: GRPOSource | None = None) -> Any:
        return task_of({"policy": self.policy}, GRPOObjective(self.policy, settings), source=source)


def steps_of(source: GRPOSource) -> list[list[GroupBatch]]:
    steps = []
    while (batches := source.next_step()) is not None:
        steps.append([b for b in batches if isinstance(b, GroupBatch)])
    return steps


@pytest.mark.parametrize("tokens", [1, 50, 10_000])
def test_groups_are_never_split(tokens: int) -> None:
    """Not between micro-batches, however small, nor between steps; each rollout's prompts come once an epoch."""
    source = Scene().source(settings_of(num_epochs=2), tokens=tokens)
    steps = steps_of(source)
    assert len(steps) == source.total_steps == 2 * 2 * 2
    for step in steps:
        assert sum(len(b.keys) for b in step) == 4
        for batch in step:
            # One tree a prompt: its prompt stands once, and has all four completions.
            assert batch.batch.sequences == 4 * len(batch.keys)
            assert len(set(batch.keys)) == len(batch.keys)
    for first in range(0, len(steps), 2):
        keys = [k for step in steps[first : first + 2] for b in step for k in b.keys]
        assert sorted(keys) == sorted(key for _, key in PROMPTS)


@pytest.mark.parametrize("scale", ["std", "none", "rloo"])
@pytest.mark.parametrize("kl_coef", [0.0, 0.5])
def test_t_rl_27_equal_scores_teach_nothing_but_the_kl(scale: str, kl_coef: float) -> None:
    scene = Scene()
    settings = settings_of(scale=scale, kl_coef=kl_coef)
    with torch.no_grad():
        for p in scene.policy.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel())))
    batches = scene.source(settings, lambda es: torch.full((len(es),), 0.1)).next_step()
    assert batches is not None
    report, gradients = gradient_of(scene.task(settings), batches)
    largest = max(g.abs().max().item() for g in gradients.values())
    assert (largest > 1e-4) if kl_coef else (largest == 0.0)
    assert report.metrics["grpo/zero_variance_groups"] == 1.0


def test_t_rl_3_the_first_step_has_ratio_1_and_dropout_is_off() -> None:
    """With groups' advantages summing to 0, but weighed by length, the loss is minus their mean over tokens."""
    scene = Scene("gpt2", resid_pdrop=0.4, embd_pdrop=0.4, attn_pdrop=0.4)
    scene.policy.train()
    settings = settings_of(kl_coef=0.0, temperature=0.7)
    batches = scene.source(settings).next_step()
    assert batches is not None
    report, _ = gradient_of(scene.task(settings), batches)
    advantages = torch.cat([b.advantages for b in batches if isinstance(b, GroupBatch)])
    assert report.metrics["grpo/policy_loss"] == pytest.approx(-advantages.mean().item(), abs=1e-5)
    assert report.metrics["grpo/clip_fraction"] == 0
    assert report.loss == pytest.approx(-advantages.mean().item(), abs=1e-5)


@pytest.mark.parametrize("mask_truncated", [False, True])
@pytest.mark.parametrize("aggregation", ["token", "sequence", "constant"])
def test_t_ga_8_a_step_does_not_depend_on_its_micro_batches(aggregation: str, mask_truncated: bool) -> None:
    settings = settings_of(aggregation=aggregation, mask_truncated=mask_truncated, kl_coef=0.1)
    results = []
    for tokens in (10_000, 60):
        scene = Scene()
        batches = scene.source(settings, tokens=tokens).next_step()
        assert batches is not None
        results.append(gradient_of(scene.task(settings), batches))
    for report, gradients in results[1:]:
        assert report.loss == pytest.approx(results[0][0].loss, rel=1e-4, abs=1e-6)
        for name, gradient in gradients.items():
            torch.testing.assert_close(gradient, results[0][1][name], atol=2e-5, rtol=1e-3)


def test_the_denominators_are_those_of_their_names() -> None:
    for aggregation in ("token", "sequence", "constant"):
        for masked in (False, True):
            settings = settings_of(aggregation=aggregation, mask_truncated=masked)
            source = Scene().source(settings)
            batches = source.next_step()
            assert batches is not None and source._experience is not None
            chosen = {key for b in batches for key in b.keys}
            episodes = [e for e in source._experience.episodes if e.key in chosen]
            kept = [e for e in episodes if e.finished or not masked]
            assert 0 < len([e for e in episodes if not e.finished]) < len(episodes), "both kinds are here"
            tokens = sum(len(e.completion) for e in kept)
            expected = {"token": tokens, "sequence": len(kept), "constant": len(kept) * 6}[aggregation]
            assert sum(b.weight for b in batches) == expected
            weights = torch.cat([b.token_weight for b in batches if isinstance(b, GroupBatch)])
            total = len(kept) if aggregation == "sequence" else tokens
            assert weights.sum().item() == pytest.approx(total, rel=1e-5)


def test_an_unscored_completion_is_left_out_of_its_group_and_counted() -> None:
    def one_unknown(episodes: Sequence[Episode]) -> Tensor:
        scores = by_nines(episodes)
        scores[0] = torch.nan
        return scores

    source = Scene().source(settings_of(prompts_per_step=8), one_unknown)
    batches = source.next_step()
    assert batches is not None and source._experience is not None
    experience = source._experience
    assert experience.advantages[0] == 0 and not experience.advantages.isnan().any()
    assert experience.advantages[:4].sum().item() == pytest.approx(0, abs=1e-5)
    batch = batches[0]
    assert isinstance(batch, GroupBatch)
    assert batch.rollout_metrics["grpo/unscored"].total == 1
    assert batch.rollout_metrics["grpo/score"].weight == 31


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_t_res_4_a_source_in_the_middle_of_a_rollout_goes_on_as_it_was(stop: int) -> None:
    scene, settings = Scene(), settings_of(num_epochs=2)
    begun, resumed = scene.source(settings), scene.source(settings)
    for _ in range(stop):
        begun.next_step()
    resumed.load_state_dict(begun.state_dict())
    for one, other in zip(steps_of(begun), steps_of(resumed), strict=True):
        for a, b in zip(one, other, strict=True):
            assert a.keys == b.keys and torch.equal(a.batch.ids, b.batch.ids)
            for name in ("old_logprobs", "ref_logprobs", "advantages", "token_weight"):
                assert torch.equal(getattr(a, name), getattr(b, name))
            assert a.rollout_metrics == b.rollout_metrics


@pytest.mark.parametrize("sign", [1.0, pytest.param(-1.0, marks=pytest.mark.slow)])
def test_t_rl_32_a_count_of_a_token_rises_or_falls_with_the_sign(sign: float) -> None:
    scene = Scene()
    settings = settings_of(total_prompts=8 * 10, prompts_per_step=8, group_size=6, max_tokens=8, num_epochs=2)
    source = scene.source(settings, lambda es: sign * torch.tensor([float(e.completion.count(9)) for e in es]))
    scores = [sign * row["grpo/score"] for row in train(scene.task(settings, source), rate=6e-3) if "grpo/score" in row]
    first, last = sum(scores[:2]) / 2, sum(scores[-2:]) / 2
    assert last > first + 0.8 if sign > 0 else last < min(first, 0.15)


@pytest.mark.slow
def test_t_rl_32_a_strong_kl_pins_the_policy() -> None:
    moved = {}
    for kl_coef in (0.0, 1e3):
        scene = Scene()
        settings = settings_of(total_prompts=64, prompts_per_step=8, max_tokens=8, num_epochs=2, kl_coef=kl_coef)
        rows = train(scene.task(settings, scene.source(settings)), rate=2e-3)
        moved[kl_coef] = [row["grpo/kl"] for row in rows if "grpo/kl" in row][-1]
    assert moved[0.0] > 0.5 and abs(moved[1e3]) < 0.2


def test_no_prompts_are_refused() -> None:
    with pytest.raises(DataError, match="no prompts"):
        GRPOSource(maker=None, prompts=[], settings=settings_of(), micro_batch_tokens=9, seed=0)  # type: ignore[arg-type]
