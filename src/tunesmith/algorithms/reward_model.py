"""The reward model: K ranked completions of a prompt are one element of the batch.

    loss = mean over rankings of  - 1/P * sum over its P untied pairs of log sigmoid(r_winner - r_loser)

InstructGPT eq. 1 (arXiv 2203.02155). One forward pass for each completion, and the prompt is read once for all K. A
prompt ranked by several labelers is one tree with several rankings. After training a bias is set so that
demonstrations score 0 on average (appendix C.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tunesmith.core.errors import DataError
from tunesmith.core.records import Comparison, Ranking, RankingLabel
from tunesmith.data.batch import TokenBatch, TokenSequence, TokenTree, pack, pack_trees
from tunesmith.data.chunks import split_by_tokens
from tunesmith.losses.preference import Divisor, KwisePairs, kwise_loss, kwise_pairs, pair_accuracy
from tunesmith.model.network import score_bias, sequence_scores
from tunesmith.train.objective import LossOutput, MetricSum, MicroBatch


class RankedTree(NamedTuple):
    """A prompt with its completions, and each labeler's order: groups of completion indexes, best first."""

    tree: TokenTree
    orders: tuple[tuple[tuple[int, ...], ...], ...]

    @property
    def size(self) -> int:
        """Tokens, the prompt counted once."""
        return len(self.tree.prompt) + sum(map(len, self.tree.completions))


@dataclass(frozen=True, slots=True)
class RankedBatch:
    """Packed trees and the pairs of their rankings. `weight`: rankings with at least one untied pair."""

    kind: str
    batch: TokenBatch
    pairs: KwisePairs

    @property
    def weight(self) -> float:
        """This batch's share of the denominator: every ranking counts once, whatever its K (T-RM-3)."""
        return float(self.pairs.rankings)

    @property
    def keys(self) -> Sequence[str]:
        """Record ids."""
        return self.batch.keys

    @property
    def tokens(self) -> int:
        """Real tokens, each prompt once."""
        return self.batch.tokens


def orders_of(record: Ranking | Comparison) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Return each labeler's order as indexes into the record's completions; a comparison is one order."""
    if isinstance(record, Comparison):
        return (((0,), (1,)),)
    index: Mapping[str, int] = {c.id: i for i, c in enumerate(record.completions)}

    def order(label: RankingLabel) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(index[i] for i in group) for group in label.order)

    return tuple(order(label) for label in record.rankings)


def pack_ranked(rows: Sequence[RankedTree], *, divisor: Divisor = "surviving") -> RankedBatch:
    """Return a micro-batch; completion j of tree i becomes one score, numbered in order."""
    orders, first = [], 0
    for row in rows:
        orders += [[[first + i for i in group] for group in order] for order in row.orders]
        first += len(row.tree.completions)
    return RankedBatch("reward", pack_trees([r.tree for r in rows]), kwise_pairs(orders, divisor=divisor))


def builder(divisor: Divisor) -> Callable[[Sequence[RankedTree]], RankedBatch]:
    """Return the function that packs ranked trees with this divisor."""
    return lambda rows: pack_ranked(rows, divisor=divisor)


class RewardObjective:
    """K-wise ranking loss of a `RankedBatch`."""

    def __init__(self, network: PreTrainedModel, *, margin: float = 0.0, centring: float = 0.0) -> None:
        self._network = network
        self._margin = margin
        self._centring = centring

    def __call__(self, micro_batch: MicroBatch) -> LossOutput:
        """Return the loss sum over rankings, and the pairwise accuracy (ties count half)."""
        micro = cast(RankedBatch, micro_batch)
        device = self._network.device
        scores = sequence_scores(self._network, micro.batch.to(device))
        pairs, weights = micro.pairs.pairs.to(device), micro.pairs.weights.to(device)
        loss = kwise_loss(scores, pairs, weights=weights, margin=self._margin, centring=self._centring)
        detached = scores.detach()
        accuracy = pair_accuracy(detached, pairs)
        return LossOutput(
            loss,
            {
                "reward/loss": MetricSum(float(loss.detach()), micro.weight),
                "reward/accuracy": MetricSum(accuracy.correct + accuracy.tied / 2, accuracy.n),
                "reward/score_std": MetricSum(float(detached.std(correction=0)) * len(detached), len(detached)),
            },
        )


def require_pairs(rows: Sequence[RankedTree]) -> int:
    """Return how many rankings have no untied pair.

    Raises:
        DataError: none has one, so there is nothing to learn.
    """
    pairs = kwise_pairs([order for row in rows for order in row.orders])
    if pairs.rankings == 0:
        raise DataError(
            "no ranking prefers anything",
            why=f"{pairs.skipped} rankings are all ties or rank fewer than two",
            remedy="collect rankings with at least one preference",
        )
    return pairs.skipped


@torch.no_grad()
def score_sequences(
    network: PreTrainedModel, sequences: Sequence[TokenSequence], *, micro_batch_tokens: int = 8192
) -> Tensor:
    """Return the calibrated score (S,) of each sequence, on the CPU in fp32, in the order given."""
    was_training = network.training
    network.eval()
    scores = torch.empty(len(sequences))
    for part in split_by_tokens(range(len(sequences)), [len(s.ids) for s in sequences], micro_batch_tokens):
        batch = pack([sequences[i] for i in part]).to(network.device)
        scores[part] = sequence_scores(network, batch).cpu()
    network.train(was_training)
    return scores


@torch.no_grad()
def score_trees(
    network: PreTrainedModel, trees: Sequence[TokenTree], *, micro_batch_tokens: int = 8192
) -> list[list[float]]:
    """Return the calibrated scores of each tree's completions."""
    was_training = network.training
    network.eval()
    result: list[list[float]] = [[] for _ in trees]
    sizes = [len(t.prompt) + sum(map(len, t.completions)) for t in trees]
    for part in split_by_tokens(range(len(trees)), sizes, micro_batch_tokens):
        batch = pack_trees([trees[i] for i in part]).to(network.device)
        flat = sequence_scores(network, batch).cpu().tolist()
        for index in part:
            k = len(trees[index].completions)
            result[index], flat = flat[:k], flat[k:]
    network.train(was_training)
    return result


def calibrate(network: PreTrainedModel, demonstrations: Sequence[TokenSequence]) -> float:
    """Set the bias so that these demonstrations score 0 on average; returns the bias (T-RM-10).

    The bias lives in the configuration (`tunesmith_score_bias`), because transformers' score head has none: other
    tools that open the folder see scores that differ from ours by this constant alone.
    """
    mean = float(score_sequences(network, demonstrations).mean())
    network.config.tunesmith_score_bias = score_bias(network) - mean
    return float(network.config.tunesmith_score_bias)
