"""The one generator, for rollouts, evaluation and chat; serving drives the same `Decoder` step by step.

Prompts are read once, in packed blocks, into a preallocated cache; K completions of a prompt share that reading; rows
leave the batch when they finish. Each row has its own random numbers, drawn from (seed, row), so that what a row
becomes does not depend on what it is batched with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from transformers import PreTrainedModel

from tunesmith.core.errors import ConfigError
from tunesmith.model.decoder import Decoder, Row
from tunesmith.model.sampling import Sampling, sample

__all__ = ["Generated", "Sampling", "generate", "sample", "stream"]

KEEP_SHARE = 0.8  # finished rows are removed from the batch when fewer than this share is alive


class Generated(NamedTuple):
    """One completion: ids with the stop token when `finished`, and the log-prob of each id.

    Log-probs are of the whole softmax at the sampling temperature (at 1 for greedy), not of the truncated one.
    """

    ids: list[int]
    logprobs: list[float]
    finished: bool


@torch.inference_mode()
def generate(
    network: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    *,
    stop_ids: Sequence[int],
    sampling: Sampling | Sequence[Sampling],
    completions: int = 1,
    batch_rows: int = 192,
) -> list[list[Generated]]:
    """Return `completions` completions of each prompt for each way of sampling, in the prompts' order.

    Raises:
        ConfigError: a prompt is empty.
    """
    if any(len(p) == 0 for p in prompts):
        raise ConfigError("a prompt is empty")
    ways = [s for s in ([sampling] if isinstance(sampling, Sampling) else sampling) for _ in range(completions)]
    was_training = network.training
    network.eval()
    rows = [[Row(s, s.uniforms(i, k)) for k, s in enumerate(ways)] for i in range(len(prompts))]
    order = sorted(range(len(prompts)), key=lambda i: (-len(prompts[i]), i))
    share = max(1, batch_rows // len(ways))
    # One decoder for all: making one copies the weights. The first batch, of the longest prompts, needs most room.
    capacity = max(map(len, prompts), default=0) + max(s.max_tokens for s in ways)
    try:
        decoder = Decoder(network, stop_ids, rows=min(share, len(order)) * len(ways), capacity=capacity)
        for begin in range(0, len(order), share):
            chosen = order[begin : begin + share]
            decoder.read([prompts[i] for i in chosen], [rows[i] for i in chosen])
            _write(decoder)
            decoder.leave(lambda row: True)
    finally:
        network.train(was_training)
    return [[Generated(row.ids, row.logprobs, row.finished) for row in group] for group in rows]


def _write(decoder: Decoder) -> None:
    """Decode until every row is done."""
    while True:
        decoder.choose_on()
        alive = sum(not row.done for row in decoder.rows)
        if not alive:
            return
        if alive < KEEP_SHARE * len(decoder.rows):
            decoder.leave(lambda row: row.done, in_order=True)
        decoder.advance()


def stream(
    network: PreTrainedModel, prompt: Sequence[int], *, stop_ids: Sequence[int], sampling: Sampling
) -> Iterator[int]:
    """Yield one completion's ids as they are sampled, without the stop token; the same ids as `generate`'s."""
    row = Row(sampling, sampling.uniforms(0, 0))
    with torch.inference_mode():
        decoder = Decoder(network, stop_ids, rows=1, capacity=len(prompt) + sampling.max_tokens)
        decoder.read([prompt], [[row]])
        while True:
            decoder.choose()
            if row.finished:
                return
            yield row.ids[-1]
            if row.done:
                return
            decoder.advance()
