"""Direct preference optimisation: the cheap branch of the same ranked data (arXiv 2305.18290, eq. 7).

    h = (log pi(chosen) - log pi(rejected)) - (log ref(chosen) - log ref(rejected))       loss = -log sigmoid(beta h)

Log-probs are summed over completion tokens, the end token included. The reference's are computed once, before the
first step, on the same packed batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tunesmith.algorithms.packed_batch import CountedBatch
from tunesmith.data.batch import TokenBatch, TokenTree, pack_trees
from tunesmith.data.chunks import split_by_tokens
from tunesmith.losses.preference import DpoVariant, dpo_loss
from tunesmith.model.network import target_logprobs
from tunesmith.train.objective import LossOutput, MetricSum, MicroBatch


class ReferencedPair(NamedTuple):
    """A chosen and a rejected completion, and what the reference says of each (summed log-probs, nats)."""

    tree: TokenTree
    ref_chosen: float
    ref_rejected: float

    @property
    def size(self) -> int:
        """Tokens, the prompt counted once."""
        return len(self.tree.prompt) + sum(map(len, self.tree.completions))


@dataclass(frozen=True, slots=True)
class PairBatch(CountedBatch):
    """Packed pairs: sequence 2i is pair i's chosen, 2i + 1 its rejected completion. `weight`: pairs."""

    ref_chosen: Tensor
    ref_rejected: Tensor

    @property
    def weight(self) -> float:
        """Pairs."""
        return float(len(self.ref_chosen))


def pack_pairs(rows: Sequence[ReferencedPair]) -> PairBatch:
    """Return a micro-batch of pairs."""
    return PairBatch(
        "dpo",
        pack_trees([r.tree for r in rows]),
        torch.tensor([r.ref_chosen for r in rows]),
        torch.tensor([r.ref_rejected for r in rows]),
    )


def summed_logprobs(network: PreTrainedModel, batch: TokenBatch) -> Tensor:
    """Return each sequence's summed target log-prob (S,)."""
    logprobs = target_logprobs(network, batch).logprobs
    return logprobs.new_zeros(batch.sequences).index_add(0, batch.owner, logprobs)


@torch.no_grad()
def with_reference(
    reference: PreTrainedModel,
    trees: Sequence[TokenTree],
    *,
    micro_batch_tokens: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[ReferencedPair]:
    """Return the pairs with the reference's log-probs (T-PO-4: equal to computing them on the fly)."""
    was_training = reference.training
    reference.eval()
    sizes = [len(t.prompt) + sum(map(len, t.completions)) for t in trees]
    pairs: list[ReferencedPair | None] = [None] * len(trees)
    done = 0
    for part in split_by_tokens(range(len(trees)), sizes, micro_batch_tokens):
        batch = pack_trees([trees[i] for i in part]).to(reference.device)
        flat = summed_logprobs(reference, batch).cpu().reshape(-1, 2).tolist()
        for index, (chosen, rejected) in zip(part, flat, strict=True):
            pairs[index] = ReferencedPair(trees[index], chosen, rejected)
        done += len(part)
        if progress is not None:
            progress(done, len(trees))
    reference.train(was_training)
    return [p for p in pairs if p is not None]


class DpoObjective:
    """Summed DPO-family loss of a `PairBatch`."""

    def __init__(
        self, network: PreTrainedModel, *, beta: float, variant: DpoVariant = "sigmoid", label_smoothing: float = 0.0
    ) -> None:
        self._network = network
        self._beta = beta
        self._variant: DpoVariant = variant
        self._smoothing = label_smoothing

    def __call__(self, micro_batch: MicroBatch) -> LossOutput:
        """Return the loss sum; rewards are beta * log-ratio, in nats times beta."""
        micro = cast(PairBatch, micro_batch)
        device = self._network.device
        sums = summed_logprobs(self._network, micro.batch.to(device)).reshape(-1, 2)
        chosen, rejected = sums[:, 0], sums[:, 1]
        ref_chosen, ref_rejected = micro.ref_chosen.to(device), micro.ref_rejected.to(device)
        losses = dpo_loss(
            chosen,
            rejected,
            ref_chosen,
            ref_rejected,
            beta=self._beta,
            variant=self._variant,
            label_smoothing=self._smoothing,
        )
        loss = losses.sum()
        won, lost = (chosen - ref_chosen).detach(), (rejected - ref_rejected).detach()
        n = micro.weight
        right = (won > lost).float() + 0.5 * (won == lost).float()
        return LossOutput(
            loss,
            {
                "dpo/loss": MetricSum(float(loss.detach()), n),
                "dpo/accuracy": MetricSum(float(right.sum()), n),
                "dpo/margin": MetricSum(self._beta * float((won - lost).sum()), n),
                "dpo/reward_chosen": MetricSum(self._beta * float(won.sum()), n),
                "dpo/reward_rejected": MetricSum(self._beta * float(lost.sum()), n),
                "dpo/logprob_chosen": MetricSum(float(chosen.detach().sum()), n),
                "dpo/logprob_rejected": MetricSum(float(rejected.detach().sum()), n),
            },
        )
