"""The clipped policy and value losses on a minibatch of experience, and the pretraining term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tunesmith.algorithms.packed_batch import CountedBatch, PackedBatch
from tunesmith.algorithms.ppo.settings import PPOSettings
from tunesmith.algorithms.ppo.value_model import ValueModel
from tunesmith.losses.policy_gradient import clipped_policy_loss, clipped_value_loss
from tunesmith.model.network import logprobs_of, source_states, target_nll_sum
from tunesmith.train.objective import LossOutput, MetricSum, MicroBatch


@dataclass(frozen=True, slots=True)
class PolicyBatch(CountedBatch):
    """Completion tokens with what the rollout said of them, each (M,)."""

    old_logprobs: Tensor
    advantages: Tensor


@dataclass(frozen=True, slots=True)
class ValueBatch(PackedBatch):
    """Completion tokens with old values and returns, each (M,). `rollout_metrics` are logged along.

    Its tokens are the policy batch's, which counts them.
    """

    old_values: Tensor
    returns: Tensor
    rollout_metrics: Mapping[str, MetricSum] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PolicyValueBatch(CountedBatch):
    """A policy and a value batch of the same tokens, for one forward pass of the trunk that they share.

    It is one kind: its weight, their tokens, divides both losses.
    """

    policy: PolicyBatch
    value: ValueBatch


@dataclass(frozen=True, slots=True)
class PtxBatch(CountedBatch):
    """Pretraining rows; every token is learned, there is no prompt mask (T-RL-19)."""


class PPOObjective:
    """Summed losses by the kind of micro-batch; the engine divides each by the step's tokens of that kind."""

    def __init__(self, *, policy: PreTrainedModel, value: ValueModel, settings: PPOSettings) -> None:
        self._policy = policy
        self._value = value
        self._settings = settings

    def __call__(self, micro_batch: MicroBatch) -> LossOutput:
        """Return the loss sum of a micro-batch; dropout is off.

        The rollout's log-probs and values know no dropout: with it, ratios would not start at 1 (T-RL-5).
        """
        self._policy.eval()
        self._value.trunk.eval()
        match micro_batch:
            case PolicyBatch():
                return self._policy_loss(micro_batch, self._states(self._policy, micro_batch))
            case ValueBatch():
                # A value batch alone on a shared trunk is warm-up: the policy must not move.
                with torch.set_grad_enabled(torch.is_grad_enabled() and not self._value.shared):
                    states = self._states(self._value.trunk, micro_batch)
                return self._value_loss(micro_batch, states)
            case PolicyValueBatch():
                states = self._states(self._policy, micro_batch)
                policy = self._policy_loss(micro_batch.policy, states)
                value = self._value_loss(micro_batch.value, states)
                loss = policy.loss_sum + self._settings.value_coef * value.loss_sum
                return LossOutput(loss, {**policy.metrics, **value.metrics})
        return self._ptx_loss(cast(PtxBatch, micro_batch))

    @staticmethod
    def _states(network: PreTrainedModel, micro: PackedBatch) -> Tensor:
        return source_states(network, micro.batch.to(network.device))

    def _policy_loss(self, micro: PolicyBatch, states: Tensor) -> LossOutput:
        device, n = states.device, micro.weight
        out = logprobs_of(
            self._policy,
            states,
            micro.batch.targets.to(device),
            temperature=self._settings.temperature,
            with_entropy=True,
        )
        old, advantages = micro.old_logprobs.to(device), micro.advantages.to(device)
        clipped = clipped_policy_loss(out.logprobs, old, advantages, clip_range=self._settings.clip_range)
        loss = clipped.losses.sum()
        with torch.no_grad():
            log_ratio = out.logprobs - old
            metrics = {
                "ppo/policy_loss": MetricSum(float(loss), n),
                "ppo/clip_fraction": MetricSum(float(clipped.clipped.sum()), n),
                "ppo/approx_kl": MetricSum(float(0.5 * log_ratio.square().sum()), n),
                "ppo/ratio": MetricSum(float(log_ratio.exp().sum()), n),
            }
            if out.entropy is not None:
                metrics["ppo/entropy"] = MetricSum(float(out.entropy.sum()), n)
        return LossOutput(loss, metrics)

    def _value_loss(self, micro: ValueBatch, states: Tensor) -> LossOutput:
        device, n = states.device, micro.weight
        values = self._value.read(states)
        clipped = clipped_value_loss(
            values, micro.old_values.to(device), micro.returns.to(device), clip_range=self._settings.value_clip_range
        )
        loss = clipped.losses.sum()
        return LossOutput(
            loss,
            {
                "ppo/value_loss": MetricSum(float(loss.detach()), n),
                "ppo/value_clip_fraction": MetricSum(float(clipped.clipped.sum()), n),
                **micro.rollout_metrics,
            },
        )

    def _ptx_loss(self, micro: PtxBatch) -> LossOutput:
        loss = target_nll_sum(self._policy, micro.batch.to(self._policy.device))
        return LossOutput(loss, {"ppo/ptx_loss": MetricSum(float(loss.detach()), micro.weight)})
