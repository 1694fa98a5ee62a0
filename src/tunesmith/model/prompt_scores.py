"""How likely a prompt's own tokens are: what tools that score text ask of a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tunesmith.data.batch import TokenBatch
from tunesmith.model.network import target_distributions


class PromptScores(NamedTuple):
    """Of each token of a prompt but the first: its log-prob, and the likeliest tokens there as (id, log-prob).

    Log-probs are of the whole softmax at temperature 1: nothing was sampled here.
    """

    logprobs: list[float]
    tops: list[list[tuple[int, float]]]


def prompt_scores(
    network: PreTrainedModel, hidden: Tensor, batch: TokenBatch, likeliest: Sequence[int | None]
) -> list[PromptScores | None]:
    """Return the scores of the prompts of a batch, None where `likeliest`, how many top tokens to keep, is None.

    `hidden` (N, d) are the batch's last hidden states; its targets are the tokens of the prompts that are scored.
    """
    found = [None if wanted is None else PromptScores([], []) for wanted in likeliest]
    most = max((wanted or 0 for wanted in likeliest), default=0)
    owners = iter(batch.owner.tolist())
    for logprobs, targets in target_distributions(network, hidden, batch):
        chosen = logprobs.gather(1, targets[:, None])[:, 0].tolist()
        values, ids = (t.tolist() for t in torch.topk(logprobs, min(most, logprobs.shape[1]), dim=-1))
        for value, top_ids, top_values in zip(chosen, ids, values, strict=True):
            owner = next(owners)
            scores, wanted = found[owner], likeliest[owner]
            assert scores is not None
            scores.logprobs.append(value)
            scores.tops.append(list(zip(top_ids, top_values, strict=True))[:wanted])
    return found
