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
from torch import Tensor, nn
from transformers import PreTrainedModel

from tunesmith.algorithms.packed_batch import CountedBatch
from tunesmith.core.errors import DataError
from tunesmith.core.records import Comparison, Ranking, RankingLabel
from tunesmith.data.batch import TokenBatch, TokenSequence, TokenTree, pack, pack_trees
from tunesmith.data.chunks import split_by_tokens
from tunesmith.losses.policy_gradient import clipped_value_loss
from tunesmith.losses.preference import Divisor, KwisePairs, kwise_loss, kwise_pairs, pair_accuracy
from tunesmith.losses.surprisal import surprisal_loss
from tunesmith.model.network import hidden_states, score_bias, scores_of, sequence_scores, target_logprobs
from tunesmith.model.scalar_head import surprisal_head
from tunesmith.train.objective import LossOutput, MetricSum, MicroBatch


class RankedTree(NamedTuple):
    """A prompt with its completions, and each labeler's order: groups of completion indexes, best first.

    `weights`: how much each order counts, None: 1 each. `logprobs` (all completions' tokens): those of the policy that
    wrote them, or None where they are not needed.
    """

    tree: TokenTree
    orders: tuple[tuple[tuple[int, ...], ...], ...]
    logprobs: Tensor | None = None
    weights: tuple[float, ...] | None = None

    @property
    def size(self) -> int:
        """Tokens, the prompt counted once."""
        return len(self.tree.prompt) + sum(map(len, self.tree.completions))


@dataclass(frozen=True, slots=True)
class RankedBatch(CountedBatch):
    """Packed trees and the pairs of their rankings. `weight`: of the rankings with at least one untied pair.

    `shares` (M,) divide each tree's rankings among its completion tokens; `logprobs` (M,), one for each, or None.
    """

    pairs: KwisePairs
    shares: Tensor
    logprobs: Tensor | None = None

    @property
    def weight(self) -> float:
        """This batch's share of the denominator: every ranking counts by its weight, whatever its K (T-RM-3)."""
        return self.pairs.total


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
    weights: list[float] = []
    orders, first = [], 0
    for row in rows:
        weights += row.weights or (1.0,) * len(row.orders)
        orders += [[[first + i for i in group] for group in order] for order in row.orders]
        first += len(row.tree.completions)
    batch, pairs = pack_trees([r.tree for r in rows]), kwise_pairs(orders, divisor=divisor, weights=weights)
    counts = [sum(map(len, r.tree.completions)) for r in rows]
    shares = torch.tensor([len(r.orders) / n for r, n in zip(rows, counts, strict=True)])
    known = [r.logprobs for r in rows if r.logprobs is not None]
    logprobs = torch.cat(known) if len(known) == len(rows) else None
    return RankedBatch("reward", batch, pairs, shares.repeat_interleave(torch.tensor(counts)), logprobs)


def builder(divisor: Divisor) -> Callable[[Sequence[RankedTree]], RankedBatch]:
    """Return the function that packs ranked trees with this divisor."""
    return lambda rows: pack_ranked(rows, divisor=divisor)


class RewardObjective:
    """K-wise ranking loss of a `RankedBatch`, plus the surprisal and the value loss a token, each times its factor.

    The value loss is 0.5 (V_t - r)^2 at every state V_t from which a completion token is emitted, r being the
    completion's own score, held constant: what PPO's value model, which starts as this network's copy, has to know
    from its first rollout on. `modules`: the network by its name, and the surprisal head, which is trained along, where
    there is one.
    """

    def __init__(
        self,
        network: PreTrainedModel,
        *,
        margin: float = 0.0,
        centring: float = 0.0,
        surprisal_coef: float = 0.0,
        value_coef: float = 0.0,
    ) -> None:
        self._network = network
        self._margin = margin
        self._centring = centring
        self._coef = surprisal_coef
        self._value_coef = value_coef
        self._surprisal = surprisal_head(network) if surprisal_coef else None
        self.modules: dict[str, nn.Module] = {"reward_model": network}
        if self._surprisal is not None:
            self.modules["surprisal"] = self._surprisal

    def __call__(self, micro_batch: MicroBatch) -> LossOutput:
        """Return the loss sum over rankings, and the pairwise accuracy (ties count half)."""
        micro = cast(RankedBatch, micro_batch)
        device = self._network.device
        batch = micro.batch.to(device)
        states = hidden_states(self._network, batch)
        scores = scores_of(self._network, states.index_select(0, batch.last))
        pairs, weights = micro.pairs.pairs.to(device), micro.pairs.weights.to(device)
        loss = kwise_loss(scores, pairs, weights=weights, margin=self._margin, centring=self._centring)
        detached = scores.detach()
        accuracy = pair_accuracy(detached, pairs)
        metrics = {
            "reward/loss": MetricSum(float(loss.detach()), micro.weight),
            "reward/accuracy": MetricSum(accuracy.correct + accuracy.tied / 2, accuracy.n),
            "reward/score_std": MetricSum(float(detached.std(correction=0)) * len(detached), len(detached)),
        }
        shares = micro.shares.to(device)
        if self._surprisal is not None and micro.logprobs is not None:
            predicted = self._surprisal(states.index_select(0, batch.place))
            surprise = surprisal_loss(predicted, micro.logprobs.to(device), shares)
            metrics["reward/surprisal"] = MetricSum(float(surprise.detach()), float(shares.sum()))
            loss = loss + self._coef * surprise
        if self._value_coef:
            values = scores_of(self._network, states.index_select(0, batch.source))
            coming = detached.index_select(0, batch.owner)
            off = shares @ clipped_value_loss(values, values, coming, clip_range=None).losses
            metrics["reward/value_loss"] = MetricSum(float(off.detach()), float(shares.sum()))
            loss = loss + self._value_coef * off
        return LossOutput(loss, metrics)


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
    found = _by_tree(network, trees, micro_batch_tokens, sequence_scores, lambda tree: len(tree.completions))
    return [scores.tolist() for scores in found]


@torch.no_grad()
def with_logprobs(
    policy: PreTrainedModel, rows: Sequence[RankedTree], *, micro_batch_tokens: int = 8192
) -> list[RankedTree]:
    """Return the rows with the policy's log-probs of every completion token."""

    def logprobs(network: PreTrainedModel, batch: TokenBatch) -> Tensor:
        return target_logprobs(network, batch).logprobs

    trees = [r.tree for r in rows]
    found = _by_tree(policy, trees, micro_batch_tokens, logprobs, lambda tree: sum(map(len, tree.completions)))
    return [row._replace(logprobs=flat) for row, flat in zip(rows, found, strict=True)]


def _by_tree(
    network: PreTrainedModel,
    trees: Sequence[TokenTree],
    micro_batch_tokens: int,
    evaluate: Callable[[PreTrainedModel, TokenBatch], Tensor],
    count: Callable[[TokenTree], int],
) -> list[Tensor]:
    """Return each tree's part of what `evaluate` gives for packed trees, on the CPU; `count`: how long a part is."""
    was_training = network.training
    network.eval()
    result = [torch.empty(0)] * len(trees)
    sizes = [len(t.prompt) + sum(map(len, t.completions)) for t in trees]
    for part in split_by_tokens(range(len(trees)), sizes, micro_batch_tokens):
        batch = pack_trees([trees[i] for i in part]).to(network.device)
        parts = torch.split(evaluate(network, batch).cpu(), [count(trees[i]) for i in part])
        for index, found in zip(part, parts, strict=True):
            result[index] = found
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
