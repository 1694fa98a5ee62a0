"""Policy, reference, value and reward networks of a few hundred weights, and a rollout of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tests.small import classifier_of, network_of
from tunesmith.algorithms.ppo.experience import ExperienceMaker, ScoreEpisodes
from tunesmith.algorithms.ppo.objective import PolicyBatch, PolicyValueBatch, PPOObjective, ValueBatch
from tunesmith.algorithms.ppo.ptx import PtxStream
from tunesmith.algorithms.ppo.settings import PPOSettings
from tunesmith.algorithms.ppo.source import PPOSource
from tunesmith.algorithms.ppo.value_model import value_model
from tunesmith.algorithms.reward_model import score_sequences
from tunesmith.algorithms.rollout import Episode
from tunesmith.losses.kl import AdaptiveKLController
from tunesmith.train.objective import MicroBatch

STOP = (2, 3, 4)
PROMPTS = [([5 + i, 6, 7 + i % 3, *range(8, 8 + i % 4)], f"p{i}") for i in range(16)]
SMALL: dict[str, Any] = {
    "total_episodes": 16,
    "rollout_batch_size": 8,
    "minibatch_size": 8,
    "max_tokens": 6,
    "no_eos": "none",
}


@dataclass
class Scene:
    """One set of networks. By default the policy is the reference and the value model is a copy of the reward model.

    A value head on the policy's trunk (`value_model="shared"`) has random weights, because zeros would tell nothing,
    unless `new_head`: then it is as a run begins.
    """

    family: str = "llama"
    vocab: int = 24
    stop: Sequence[int] = STOP
    more: dict[str, Any] = field(default_factory=dict)
    value_model: Literal["separate", "shared"] = "separate"
    new_head: bool = False

    def __post_init__(self) -> None:
        self.policy = network_of(self.family, self.vocab, **self.more)
        self.reference = copy.deepcopy(self.policy).eval().requires_grad_(False)
        self.reward: PreTrainedModel = classifier_of(self.family, self.vocab, seed=7, **self.more)
        self.reward.requires_grad_(False)
        self.value = value_model(self.value_model, policy=self.policy, reward=self.reward)
        if self.value.head is not None and not self.new_head:
            stir(self.value.head, size=0.3, seed=12)

    @property
    def modules(self) -> dict[str, nn.Module]:
        """What is trained, by name."""
        return {"policy": self.policy, "value": self.value.module}

    def scores(self, episodes: Sequence[Episode]) -> Tensor:
        """The reward model's scores."""
        return score_sequences(self.reward, [e.sequence() for e in episodes])

    def maker(self, settings: PPOSettings, score: ScoreEpisodes | None = None, *, tokens: int = 64) -> ExperienceMaker:
        """A maker of experience; tokens: of a micro-batch."""
        return ExperienceMaker(
            policy=self.policy,
            reference=self.reference,
            value=self.value,
            score=score or self.scores,
            settings=settings,
            stop_ids=self.stop,
            micro_batch_tokens=tokens,
        )

    def source(
        self,
        settings: PPOSettings,
        score: ScoreEpisodes | None = None,
        *,
        prompts: Sequence[tuple[list[int], str]] = PROMPTS,
        ptx: PtxStream | None = None,
        kl_coef: float = 0.05,
        tokens: int = 64,
        seed: int = 0,
    ) -> PPOSource:
        """A source with a fixed KL coefficient."""
        return PPOSource(
            maker=self.maker(settings, score, tokens=tokens),
            prompts=prompts,
            ptx=ptx,
            settings=settings,
            controller=AdaptiveKLController(kl_coef, target=None, horizon=1),
            micro_batch_tokens=tokens,
            seed=seed,
        )

    def objective(self, settings: PPOSettings) -> PPOObjective:
        """PPO's losses."""
        return PPOObjective(policy=self.policy, value=self.value, settings=settings)


def policy_batches(batches: Sequence[MicroBatch]) -> list[PolicyBatch]:
    """The policy's part of a step's micro-batches."""
    own = [b.policy if isinstance(b, PolicyValueBatch) else b for b in batches]
    return [b for b in own if isinstance(b, PolicyBatch)]


def value_batches(batches: Sequence[MicroBatch]) -> list[ValueBatch]:
    """The value model's part of a step's micro-batches."""
    own = [b.value if isinstance(b, PolicyValueBatch) else b for b in batches]
    return [b for b in own if isinstance(b, ValueBatch)]


def settings_of(**more: Any) -> PPOSettings:
    """Settings of a small rollout."""
    return PPOSettings(**{**SMALL, **more})


def stir(network: nn.Module, *, size: float = 0.05, seed: int = 11) -> None:
    """Move every weight a little."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(size * torch.randn(parameter.shape, generator=generator))


def hash_of(network: nn.Module) -> int:
    """The weights' bytes."""
    return hash(tuple(p.detach().numpy().tobytes() for p in network.parameters()))
