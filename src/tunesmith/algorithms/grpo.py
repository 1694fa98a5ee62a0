"""Group relative policy optimisation (DeepSeekMath, arXiv 2402.03300): no value model, groups of completions.

    A_i = (r_i - mean of the group) / (std of the group + eps)        the same for every token of completion i
    loss = sum of clipped surrogate over tokens, plus kl_coef * KL(policy || reference) per token

The KL term is k3 times the importance ratio, whose gradient is that of KL(policy || reference) off-policy too; k3
alone, which the paper prints, has the gradient of the opposite direction when used as a loss (T-RL-7). Completions cut
at the length limit can be masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Literal, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from transformers import PreTrainedModel

from tunesmith.algorithms.packed_batch import CountedBatch
from tunesmith.algorithms.rollout import (
    Episode,
    ScoreEpisodes,
    completion_logprobs,
    episodes_of,
    lengths_of,
    pack_episodes,
    rollout_from_state,
    rollout_state,
    token_slices,
)
from tunesmith.core.config import Strict
from tunesmith.core.errors import DataError
from tunesmith.data.chunks import split_by_tokens
from tunesmith.data.cycle import Cycle
from tunesmith.losses.kl import k1, kl_loss
from tunesmith.losses.policy_gradient import clipped_policy_loss, group_advantages, token_weights
from tunesmith.model.generate import Sampling, generate
from tunesmith.model.network import target_logprobs
from tunesmith.train.objective import LossOutput, MetricSum, MicroBatch, StateTree


class GRPOSettings(Strict):
    """Groups, clipping and aggregation."""

    total_prompts: int = Field(1024, ge=1, description="prompts in all, each with a group of completions")
    prompts_per_rollout: int = Field(32, ge=1, description="prompts generated for before each round of updates")
    group_size: int = Field(8, ge=2, description="completions of each prompt")
    prompts_per_step: int = Field(32, ge=1, description="prompts in one optimizer step; groups are never split")
    num_epochs: int = Field(1, ge=1, description="passes over each rollout")
    max_tokens: int = Field(64, ge=1, description="longest completion, in tokens")
    temperature: float = Field(1.0, gt=0, description="sampling temperature; it divides the logits of every log-prob")
    kl_coef: float = Field(0.02, ge=0, description="weight of the per-token KL to the reference in the loss")
    clip_range: float = Field(0.2, gt=0, description="ratio clip")
    scale: Literal["std", "none", "rloo"] = Field("std", description="std: GRPO; none: Dr. GRPO; rloo: leave-one-out")
    aggregation: Literal["token", "sequence", "constant"] = Field(
        "token", description="token: DAPO; sequence: GRPO as printed; constant: Dr. GRPO"
    )
    mask_truncated: bool = Field(False, description="completions cut at max_tokens carry no loss (DAPO)")

    @property
    def rollouts(self) -> int:
        """Rollouts in all."""
        return -(-self.total_prompts // self.prompts_per_rollout)

    @property
    def steps_per_rollout(self) -> int:
        """Optimizer steps for each rollout."""
        return self.num_epochs * -(-self.prompts_per_rollout // self.prompts_per_step)


@dataclass(frozen=True, slots=True)
class GroupBatch(CountedBatch):
    """Completion tokens (M,) of whole groups. `token_weight` (M,) and `denominator` follow from the aggregation."""

    old_logprobs: Tensor
    ref_logprobs: Tensor
    advantages: Tensor
    token_weight: Tensor
    denominator: float
    rollout_metrics: dict[str, MetricSum] = field(default_factory=dict)

    @property
    def weight(self) -> float:
        """This batch's share of the denominator."""
        return self.denominator


@dataclass(frozen=True, slots=True)
class GroupExperience:
    """Scored groups; per-token tensors (N,), all detached, on the CPU. `scores`, `advantages` are per completion."""

    episodes: tuple[Episode, ...]
    scores: Tensor
    advantages: Tensor
    logprobs: Tensor
    ref_logprobs: Tensor

    def state_dict(self) -> StateTree:
        """Return everything as tensors and JSON."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "episodes"}
        return {"episodes": rollout_state(self.episodes), **tensors}

    @classmethod
    def from_state(cls, state: StateTree) -> GroupExperience:
        """Return the experience that `state_dict` wrote."""
        tensors = {f.name: state[f.name] for f in fields(cls) if f.name != "episodes"}
        return cls(episodes=tuple(rollout_from_state(state["episodes"])), **tensors)


class GroupMaker:
    """Samples and scores groups with the networks of the moment."""

    def __init__(
        self,
        *,
        policy: PreTrainedModel,
        reference: PreTrainedModel,
        score: ScoreEpisodes,
        settings: GRPOSettings,
        stop_ids: Sequence[int],
        micro_batch_tokens: int,
    ) -> None:
        self._policy = policy
        self._reference = reference
        self._score = score
        self._settings = settings
        self._stop_ids = tuple(stop_ids)
        self._tokens = micro_batch_tokens

    def make(
        self, prompts: Sequence[tuple[list[int], str]], *, seed: int
    ) -> tuple[GroupExperience, dict[str, MetricSum]]:
        """Return one rollout of groups and what to log of it."""
        s = self._settings
        sampling = Sampling(max_tokens=s.max_tokens, temperature=s.temperature, seed=seed)
        generated = generate(
            self._policy, [p for p, _ in prompts], stop_ids=self._stop_ids, sampling=sampling, completions=s.group_size
        )
        episodes = episodes_of(prompts, generated)
        logprobs, ref_logprobs = (
            completion_logprobs(n, episodes, temperature=s.temperature, micro_batch_tokens=self._tokens)
            for n in (self._policy, self._reference)
        )
        scores = self._score(episodes)
        group = torch.tensor([e.group for e in episodes])
        relative = group_advantages(scores, group, scale=s.scale)
        experience = GroupExperience(tuple(episodes), scores, relative.advantages, logprobs, ref_logprobs)
        n = float(len(episodes))
        valid = scores[~scores.isnan()]
        metrics = {
            "grpo/score": MetricSum(float(valid.sum()), float(len(valid))),
            "grpo/kl": MetricSum(float(k1(logprobs, ref_logprobs).sum()), n),
            "grpo/length": MetricSum(float(lengths_of(episodes).sum()), n),
            "grpo/finished": MetricSum(float(sum(e.finished for e in episodes)), n),
            "grpo/zero_variance_groups": MetricSum(float(relative.zero_variance), float(relative.groups)),
            "grpo/unscored": MetricSum(float(relative.unscored), n),
        }
        return experience, metrics


class GRPOSource:
    """A `StepSource`: roll out groups, then walk them; its state holds the experience in hand."""

    def __init__(
        self,
        *,
        maker: GroupMaker,
        prompts: Sequence[tuple[list[int], str]],
        settings: GRPOSettings,
        micro_batch_tokens: int,
        seed: int,
    ) -> None:
        if not prompts:
            raise DataError("no prompts to roll out", where="data")
        self._maker = maker
        self._prompts = prompts
        self._settings = settings
        self._tokens = micro_batch_tokens
        self._seed = seed
        self._cycle = Cycle(len(prompts), seed=seed)
        self._experience: GroupExperience | None = None
        self._step = 0
        self.total_steps = settings.rollouts * settings.steps_per_rollout

    def next_step(self) -> Sequence[MicroBatch] | None:
        """Return the next step's groups; rolls out when the last are used up."""
        s = self._settings
        if self._step >= self.total_steps:
            return None
        rollout, inner = divmod(self._step, s.steps_per_rollout)
        metrics: dict[str, MetricSum] = {}
        if inner == 0:
            chosen = [self._prompts[i] for i in self._cycle.take(s.prompts_per_rollout)]
            seed = int(np.random.SeedSequence([self._seed, rollout]).generate_state(1, np.uint64)[0])
            self._experience, metrics = self._maker.make(chosen, seed=seed)
        assert self._experience is not None
        epoch, place = divmod(inner, -(-s.prompts_per_rollout // s.prompts_per_step))
        order = np.random.default_rng([self._seed, 3, rollout, epoch]).permutation(s.prompts_per_rollout)
        groups = [int(g) for g in order[place * s.prompts_per_step : (place + 1) * s.prompts_per_step]]
        self._step += 1
        return self._batches(self._experience, groups, metrics)

    def _batches(
        self, experience: GroupExperience, groups: Sequence[int], metrics: dict[str, MetricSum]
    ) -> list[GroupBatch]:
        k = self._settings.group_size
        episodes, slices = experience.episodes, token_slices(experience.episodes)
        sizes = [
            len(episodes[g * k].prompt) + sum(len(e.completion) for e in episodes[g * k : (g + 1) * k])
            for g in range(len(episodes) // k)
        ]
        out = []
        for part in split_by_tokens(groups, sizes, self._tokens):
            members = [g * k + j for g in part for j in range(k)]
            chosen = [episodes[i] for i in members]
            lengths = lengths_of(chosen)
            weight, denominator = self._token_weights(chosen, lengths)
            old, ref = (
                torch.cat([t[slices[i]] for i in members]) for t in (experience.logprobs, experience.ref_logprobs)
            )
            advantages = experience.advantages[members].repeat_interleave(lengths)
            batch = pack_episodes(chosen)
            out.append(GroupBatch("grpo", batch, old, ref, advantages, weight, denominator, metrics))
            metrics = {}
        return out

    def _token_weights(self, episodes: Sequence[Episode], lengths: Tensor) -> tuple[Tensor, float]:
        """Return what each token's loss counts (N,), and the denominator; masked completions are in neither."""
        s = self._settings
        weights = token_weights(lengths, mode=s.aggregation, max_length=s.max_tokens).weights
        kept = torch.tensor([e.finished or not s.mask_truncated for e in episodes])
        counted = token_weights(lengths * kept, mode=s.aggregation, max_length=s.max_tokens)
        return weights * kept.repeat_interleave(lengths), counted.denominator

    def state_dict(self) -> StateTree:
        """Return counters, the prompt cycle and the experience in hand."""
        experience = None if self._experience is None else self._experience.state_dict()
        return {"step": self._step, "prompts": self._cycle.state_dict(), "experience": experience}

    def load_state_dict(self, state: StateTree) -> None:
        """Continue there."""
        self._step = int(state["step"])
        self._cycle.load_state_dict(state["prompts"])
        saved = state["experience"]
        self._experience = None if saved is None else GroupExperience.from_state(saved)


class GRPOObjective:
    """Clipped surrogate with group-relative advantages and a KL term."""

    def __init__(self, policy: PreTrainedModel, settings: GRPOSettings) -> None:
        self._policy = policy
        self._settings = settings

    def __call__(self, micro_batch: MicroBatch) -> LossOutput:
        """Return the weighted loss sum over tokens; dropout is off, as in the rollout."""
        self._policy.eval()
        micro = cast(GroupBatch, micro_batch)
        device, s = self._policy.device, self._settings
        out = target_logprobs(self._policy, micro.batch.to(device), temperature=s.temperature, with_entropy=True)
        old, ref = micro.old_logprobs.to(device), micro.ref_logprobs.to(device)
        weight = micro.token_weight.to(device)
        clipped = clipped_policy_loss(out.logprobs, old, micro.advantages.to(device), clip_range=s.clip_range)
        losses = clipped.losses
        if s.kl_coef:
            losses = losses + s.kl_coef * kl_loss(out.logprobs, old, ref)
        loss = (weight * losses).sum()
        n = float(len(micro.batch.targets))
        metrics = {
            "grpo/policy_loss": MetricSum(float((weight * clipped.losses).sum().detach()), micro.weight),
            "grpo/clip_fraction": MetricSum(float(clipped.clipped.sum()), n),
            **micro.rollout_metrics,
        }
        if out.entropy is not None:
            metrics["grpo/entropy"] = MetricSum(float(out.entropy.sum()), n)
        return LossOutput(loss, metrics)
