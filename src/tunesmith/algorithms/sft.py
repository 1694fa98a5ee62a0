"""Supervised fine-tuning and pretraining: maximise the likelihood of the learned tokens.

    loss = - sum over learned tokens of log p(token | what came before) / number of learned tokens of the step

The denominator is the whole step's, over micro-batches and ranks ("token", the default); with `reduction="sequence"`
each sequence counts once whatever its length. InstructGPT section 3.5; the paper does not say whether prompt tokens are
learned (rlhf_spec 8.1): here they are not, unless the rows were rendered with `learn="everything"`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import nn
from transformers import PreTrainedModel

from tunesmith.algorithms.packed_batch import CountedBatch
from tunesmith.data.batch import TokenBatch, TokenSequence, pack
from tunesmith.losses.surprisal import surprisal_loss
from tunesmith.model.network import target_nll, target_nll_sum
from tunesmith.model.scalar_head import surprisal_head
from tunesmith.train.objective import LossOutput, MetricSum, MicroBatch

Reduction = Literal["token", "sequence"]


@dataclass(frozen=True, slots=True)
class LanguageBatch(CountedBatch):
    """A packed batch whose targets are learned. `weight`: learned tokens, or sequences with `reduction="sequence"`."""

    reduction: Reduction = "token"

    @property
    def weight(self) -> float:
        """This batch's share of the denominator."""
        if self.reduction == "token":
            return float(len(self.batch.targets))
        return float((self.batch.target_counts() > 0).sum())


def builder(kind: str, reduction: Reduction = "token") -> Callable[[Sequence[TokenSequence]], LanguageBatch]:
    """Return the function that packs rows into a micro-batch of this kind."""
    return lambda rows: LanguageBatch(kind, pack(rows), reduction)


class LanguageObjective:
    """Summed negative log-likelihood of a `LanguageBatch`, plus `surprisal_coef` times the surprisal loss.

    `modules`: the network by its name, and the surprisal head, which is trained along, where there is one.
    """

    def __init__(self, network: PreTrainedModel, *, surprisal_coef: float = 0.0) -> None:
        self._network = network
        self._surprisal = surprisal_head(network) if surprisal_coef else None
        self._coef = surprisal_coef
        self.modules: dict[str, nn.Module] = {"model": network}
        if self._surprisal is not None:
            self.modules["surprisal"] = self._surprisal

    def __call__(self, micro_batch: MicroBatch) -> LossOutput:
        """Return the loss sum; its metrics are means over learned tokens, whatever the reduction."""
        micro = cast(LanguageBatch, micro_batch)
        batch = micro.batch.to(self._network.device)
        weights = None
        if micro.reduction == "sequence":
            weights = batch.target_counts().clamp_min(1).reciprocal().index_select(0, batch.owner)
        nll = target_nll(self._network, batch, weights)
        metrics = {f"{micro.kind}/loss": MetricSum(float(nll.total.detach()), micro.weight)}
        if self._surprisal is None:
            return LossOutput(nll.total, metrics)
        surprise = surprisal_loss(self._surprisal(nll.hidden.index_select(0, batch.place)), nll.logprobs, weights)
        metrics[f"{micro.kind}/surprisal"] = MetricSum(float(surprise.detach()), micro.weight)
        return LossOutput(nll.total + self._coef * surprise, metrics)


@torch.no_grad()
def mean_nll(network: PreTrainedModel, batches: Sequence[TokenBatch]) -> float:
    """Return the mean negative log-likelihood, in nats a learned token, with dropout off."""
    was_training = network.training
    network.eval()
    total = sum(float(target_nll_sum(network, b.to(network.device))) for b in batches)
    network.train(was_training)
    return total / max(1, sum(len(b.targets) for b in batches))
