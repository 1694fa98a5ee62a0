"""What every algorithm asks of a network: hidden states, log-probs at the targets, scores.

A network is one of transformers' own classes (`...ForCausalLM` or `...ForSequenceClassification`) whose attention is
`model/attention.py`; see `model/load.py`. Shapes: N stream positions, M targets, S sequences, d hidden size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tunesmith.core.errors import ConfigError
from tunesmith.data.batch import TokenBatch
from tunesmith.losses.language import LogprobOutput, nll_and_logprobs, projected_logprobs

_MOST_LOGITS = 2**26  # of one chunk of targets: 256 MB


class Projection(NamedTuple):
    """The vocabulary projection: logits = softcap(scale * (h @ weight.T + bias))."""

    weight: Tensor
    bias: Tensor | None
    softcap: float | None
    scale: float


def in_bf16(network: PreTrainedModel) -> bool:
    """Whether the network computes in bf16 on the CPU: its weights are, or autocast says so."""
    autocast = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    return autocast or network.get_input_embeddings().weight.dtype == torch.bfloat16


def hidden_states(network: PreTrainedModel, batch: TokenBatch) -> Tensor:
    """Return the last hidden states (N, d) of a packed batch."""
    ids, positions, layout = batch.ids, batch.positions, batch.layout
    if ids.device.type == "cpu" and in_bf16(network):
        # oneDNN compiles its bf16 products for each number of rows anew, and keeps a thousand of them: with as many
        # shapes as there are batches that takes nearly as long as computing them, and gigabytes.
        layout = layout.filled
        ids, positions = (nn.functional.pad(t, (0, layout.length - len(t))) for t in (ids, positions))
    out = network.base_model(input_ids=ids[None], position_ids=positions[None], use_cache=False, layout=layout)
    hidden: Tensor = out.last_hidden_state[0, : len(batch.ids)]
    return hidden


def projection(network: PreTrainedModel) -> Projection:
    """Return a causal LM's vocabulary projection.

    Raises:
        ConfigError: the network has none (a reward model was given where a policy is needed).
    """
    head = network.get_output_embeddings()
    if not isinstance(head, nn.Linear):
        raise ConfigError(f"{type(network).__name__} has no vocabulary projection", remedy="give a causal LM")
    config = network.config
    return Projection(
        weight=head.weight,
        bias=head.bias,
        softcap=getattr(config, "final_logit_softcapping", None),
        scale=float(getattr(config, "logit_scale", None) or 1.0),
    )


def logits_at(network: PreTrainedModel, hidden: Tensor) -> Tensor:
    """Return the logits (rows, V) of hidden states (rows, d)."""
    weight, bias, softcap, scale = projection(network)
    logits = nn.functional.linear(hidden, weight, bias)
    if scale != 1.0:
        logits = logits * scale
    return logits if softcap is None else softcap * torch.tanh(logits / softcap)


def target_distributions(
    network: PreTrainedModel, hidden: Tensor, batch: TokenBatch
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the log-probs (n, V) at a batch's targets and these targets (n,), in order and some at a time.

    `hidden` (N, d) are the batch's last hidden states. The logits of all targets at once could take gigabytes.
    """
    weight = projection(network).weight
    share = min(1024, max(64, _MOST_LOGITS // len(weight)))
    for begin in range(0, len(batch.targets), share):
        logits = logits_at(network, hidden.index_select(0, batch.source[begin : begin + share]))
        yield torch.log_softmax(logits.float(), dim=-1), batch.targets[begin : begin + share]


def source_states(network: PreTrainedModel, batch: TokenBatch) -> Tensor:
    """Return the last hidden states (M, d) from which the targets are emitted."""
    return hidden_states(network, batch).index_select(0, batch.source)


def logprobs_of(
    network: PreTrainedModel,
    states: Tensor,
    targets: Tensor,
    *,
    temperature: float = 1.0,
    with_entropy: bool = False,
) -> LogprobOutput:
    """Return log pi(target | what came before) (M,) from the states (M, d) that emit the targets (M,)."""
    weight, bias, softcap, scale = projection(network)
    if scale != 1.0:
        states = states * scale
    return projected_logprobs(
        states, weight, targets, bias=bias, temperature=temperature, softcap=softcap, with_entropy=with_entropy
    )


def target_logprobs(
    network: PreTrainedModel, batch: TokenBatch, *, temperature: float = 1.0, with_entropy: bool = False
) -> LogprobOutput:
    """Return log pi(target | what came before) (M,), computed only where there is a target."""
    states = source_states(network, batch)
    return logprobs_of(network, states, batch.targets, temperature=temperature, with_entropy=with_entropy)


class TargetNLL(NamedTuple):
    """`total`: summed negative log-likelihood; `logprobs` (M,), without gradient; `hidden` (N, d), the last states."""

    total: Tensor
    logprobs: Tensor
    hidden: Tensor


def target_nll(network: PreTrainedModel, batch: TokenBatch, weights: Tensor | None = None) -> TargetNLL:
    """Return the summed negative log-likelihood of the targets, each times its weight (M,), and what it came from."""
    weight, bias, softcap, scale = projection(network)
    states = hidden_states(network, batch)
    hidden = states.index_select(0, batch.source)
    if scale != 1.0:
        hidden = hidden * scale
    nll = nll_and_logprobs(hidden, weight, batch.targets, weights, bias=bias, softcap=softcap)
    return TargetNLL(nll.total, nll.logprobs, states)


def target_nll_sum(network: PreTrainedModel, batch: TokenBatch, weights: Tensor | None = None) -> Tensor:
    """Return `target_nll(...).total`."""
    return target_nll(network, batch, weights).total


def score_head(network: PreTrainedModel) -> nn.Linear:
    """Return a reward or value model's scalar head.

    Raises:
        ConfigError: the network has none.
    """
    head = getattr(network, "score", None)
    if not isinstance(head, nn.Linear) or head.out_features != 1:
        raise ConfigError(
            f"{type(network).__name__} has no scalar score head", remedy="give a model made by `tunesmith train reward`"
        )
    return head


def score_bias(network: PreTrainedModel) -> float:
    """Return the calibration bias that is added to the head's output, once (rlhf_spec T-RM-10)."""
    return float(getattr(network.config, "tunesmith_score_bias", 0.0) or 0.0)


def sequence_scores(network: PreTrainedModel, batch: TokenBatch) -> Tensor:
    """Return the calibrated score (S,) of each sequence, read at its last token, in fp32."""
    return scores_of(network, hidden_states(network, batch).index_select(0, batch.last))


def scores_of(network: PreTrainedModel, hidden: Tensor) -> Tensor:
    """Return the calibrated score (rows,) of hidden states (rows, d), in fp32."""
    values: Tensor = score_head(network)(hidden).squeeze(-1).float()
    return values + score_bias(network)
