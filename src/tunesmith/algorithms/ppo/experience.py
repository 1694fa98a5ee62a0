"""One rollout batch: sample, score, reward, estimate advantages; in the order of rlhf_spec section 2.7."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tunesmith.algorithms.ppo.settings import PPOSettings
from tunesmith.algorithms.ppo.value_model import ValueModel
from tunesmith.algorithms.rollout import (
    Episode,
    ScoreEpisodes,
    TokenScores,
    completion_logprobs,
    completion_scores,
    completion_values,
    episodes_of,
    lengths_of,
    rollout_from_state,
    rollout_state,
)
from tunesmith.losses.kl import k1, k3
from tunesmith.losses.policy_gradient import apply_no_eos, gae, per_token_rewards, whiten
from tunesmith.model.generate import Generated, Sampling, generate
from tunesmith.train.objective import MetricSum, StateTree


@dataclass(frozen=True, slots=True)
class Experience:
    """B episodes and, for their N completion tokens, everything an update needs; all detached, on the CPU.

    `scores` (B,) as the reward model gave them; `logprobs`, `ref_logprobs`, `values`, `advantages`, `returns` (N,).
    """

    episodes: tuple[Episode, ...]
    scores: Tensor
    logprobs: Tensor
    ref_logprobs: Tensor
    values: Tensor
    advantages: Tensor
    returns: Tensor

    def state_dict(self) -> StateTree:
        """Return everything as tensors and JSON."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "episodes"}
        return {"episodes": rollout_state(self.episodes), **tensors}

    @classmethod
    def from_state(cls, state: StateTree) -> Experience:
        """Return the experience that `state_dict` wrote."""
        episodes = tuple(rollout_from_state(state["episodes"]))
        return cls(episodes=episodes, **{f.name: state[f.name] for f in fields(cls) if f.name != "episodes"})

    def mean_kl(self) -> float:
        """Return the mean over completions of summed k1, in nats: what the adaptive controller steers."""
        return float((self.logprobs - self.ref_logprobs).sum()) / len(self.episodes)

    def metrics(self, kl_coef: float) -> dict[str, MetricSum]:
        """Return what to log of a rollout batch; sums over completions unless the name says tokens."""
        n = float(len(self.episodes))
        lengths = lengths_of(self.episodes).float()
        residual = self.returns - self.values
        spread = float(self.returns.var(correction=0))
        explained = 1 - float(residual.var(correction=0)) / spread if spread > 0 else 0.0
        log_ratio = k1(self.logprobs, self.ref_logprobs)
        return {
            "ppo/score": MetricSum(float(self.scores.sum()), n),
            "ppo/score_std": MetricSum(float(self.scores.std(correction=0)) * n, n),
            "ppo/kl": MetricSum(float(log_ratio.sum()), n),
            "ppo/kl_k3": MetricSum(float(k3(self.logprobs, self.ref_logprobs).sum()), n),
            "ppo/reward_total": MetricSum(float(self.scores.sum() - kl_coef * log_ratio.sum()), n),
            "ppo/length": MetricSum(float(lengths.sum()), n),
            "ppo/finished": MetricSum(float(sum(e.finished for e in self.episodes)), n),
            "ppo/entropy_sampled": MetricSum(-float(self.logprobs.sum()), float(lengths.sum())),
            "ppo/explained_variance": MetricSum(explained * n, n),
            "ppo/kl_coef": MetricSum(kl_coef * n, n),
        }


class ExperienceMaker:
    """Makes experience from prompts, with the networks of the moment. Only `policy` and `value` ever change."""

    def __init__(
        self,
        *,
        policy: PreTrainedModel,
        reference: PreTrainedModel,
        value: ValueModel,
        score: ScoreEpisodes,
        settings: PPOSettings,
        stop_ids: Sequence[int],
        micro_batch_tokens: int,
    ) -> None:
        self._policy = policy
        self._reference = reference
        self._value = value
        self._score = score
        self._settings = settings
        self._stop_ids = tuple(stop_ids)
        self._tokens = micro_batch_tokens

    @property
    def shared(self) -> bool:
        """Whether policy and value model have one trunk."""
        return self._value.shared

    def make(self, prompts: Sequence[tuple[list[int], str]], *, kl_coef: float, seed: int) -> Experience:
        """Return one rollout batch: a completion of each (ids, key) prompt."""
        s = self._settings
        sampling = Sampling(max_tokens=s.max_tokens, temperature=s.temperature, seed=seed)
        generated = generate(self._policy, [p for p, _ in prompts], stop_ids=self._stop_ids, sampling=sampling)
        episodes = episodes_of(prompts, generated)
        lengths = lengths_of(episodes)
        logprobs, values = self._evaluate(episodes, generated)
        ref_logprobs = completion_logprobs(
            self._reference, episodes, temperature=s.temperature, micro_batch_tokens=self._tokens
        )
        raw = self._score(episodes)
        scores = raw if s.score_clip is None else raw.clamp(-s.score_clip, s.score_clip)
        finished = torch.tensor([e.finished for e in episodes])
        scores = apply_no_eos(scores, finished, mode=s.no_eos, value=s.no_eos_value)
        rewards = per_token_rewards(scores, logprobs, ref_logprobs, kl_coef=kl_coef, lengths=lengths)
        if s.whiten_rewards:
            rewards = whiten(rewards, shift_mean=False, unbiased=s.unbiased_variance)
        estimated = gae(rewards, values, gamma=s.gamma, lam=s.lam, lengths=lengths)
        advantages = estimated.advantages
        if s.whiten_advantages:
            advantages = whiten(advantages, unbiased=s.unbiased_variance)
        return Experience(tuple(episodes), raw, logprobs, ref_logprobs, values, advantages, estimated.returns)

    def _evaluate(self, episodes: Sequence[Episode], generated: Sequence[Sequence[Generated]]) -> TokenScores:
        """Return the old log-probs and values; in one pass where the policy's trunk gives both."""
        s, tokens, read = self._settings, self._tokens, self._value.read
        if s.logprobs == "recompute" and self.shared:
            return completion_scores(
                self._policy, episodes, read=read, temperature=s.temperature, micro_batch_tokens=tokens
            )
        if s.logprobs == "sampled":
            logprobs = torch.tensor([x for row in generated for g in row for x in g.logprobs])
        else:
            logprobs = completion_logprobs(self._policy, episodes, temperature=s.temperature, micro_batch_tokens=tokens)
        values = completion_values(self._value.trunk, episodes, read=read, micro_batch_tokens=tokens)
        return TokenScores(logprobs, values)
