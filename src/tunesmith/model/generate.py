"""The one generator, for rollouts, evaluation and chat.

Prompts are read once, in packed blocks, into a preallocated cache; K completions of a prompt share that reading; rows
leave the batch when they finish. Each row has its own random numbers, drawn from (seed, row), so that what a row
becomes does not depend on what it is batched with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from tunesmith.core.errors import ConfigError
from tunesmith.data.batch import TokenSequence, pack
from tunesmith.model.cache import KeyValueCache
from tunesmith.model.network import logits_at

KEEP_SHARE = 0.8  # finished rows are removed from the cache when fewer than this share is alive


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to sample. `temperature` 0 is greedy; `top_p` 1 and `top_k` 0 switch truncation off."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ConfigError(f"must be at least 1, not {self.max_tokens}", where="max_tokens")
        if self.temperature < 0 or not 0 < self.top_p <= 1 or self.top_k < 0:
            raise ConfigError("temperature >= 0, 0 < top_p <= 1 and top_k >= 0 are required", where="sampling")

    @property
    def truncated(self) -> bool:
        """Whether the sampling distribution differs from the policy (rlhf_spec D8)."""
        return self.top_p < 1 or self.top_k > 0


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
    sampling: Sampling,
    completions: int = 1,
    batch_rows: int = 192,
) -> list[list[Generated]]:
    """Return `completions` completions of each prompt, in the prompts' order.

    Raises:
        ConfigError: a prompt is empty.
    """
    if any(len(p) == 0 for p in prompts):
        raise ConfigError("a prompt is empty")
    was_training = network.training
    network.eval()
    results: list[list[Generated]] = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda i: (-len(prompts[i]), i))
    share = max(1, batch_rows // completions)
    try:
        for begin in range(0, len(order), share):
            chosen = order[begin : begin + share]
            rows = [(i, k) for i in chosen for k in range(completions)]
            batch = _Batch(network, rows, completions, sampling, frozenset(stop_ids))
            batch.run([prompts[i] for i in chosen])
            for index, (i, _) in enumerate(rows):
                results[i].append(batch.result(index))
    finally:
        network.train(was_training)
    return results


class _Batch:
    """Rows that decode together. `alive[r]` is the output slot of live cache row r."""

    def __init__(
        self,
        network: PreTrainedModel,
        rows: Sequence[tuple[int, int]],
        completions: int,
        sampling: Sampling,
        stop_ids: frozenset[int],
    ) -> None:
        self.network = network
        self.completions = completions
        self.sampling = sampling
        self.stop = torch.tensor(sorted(stop_ids), device=network.device)
        n, length = len(rows), sampling.max_tokens
        self.ids = np.zeros((n, length), dtype=np.int64)
        self.logprobs = np.zeros((n, length), dtype=np.float32)
        self.counts = np.zeros(n, dtype=np.int64)
        self.finished = np.zeros(n, dtype=bool)
        self.uniform = np.stack([_uniforms(sampling.seed, row, completions, length) for row in rows])

    def result(self, slot: int) -> Generated:
        n = int(self.counts[slot])
        return Generated(self.ids[slot, :n].tolist(), self.logprobs[slot, :n].tolist(), bool(self.finished[slot]))

    def run(self, prompts: Sequence[Sequence[int]]) -> None:
        device = self.network.device
        longest = max(map(len, prompts))
        cache = KeyValueCache(rows=len(prompts), capacity=longest + self.sampling.max_tokens)
        hidden, order = self._read(prompts, cache)
        # Cache rows stand in the layout's order; slots are numbered in the caller's.
        repeated = torch.arange(len(prompts), device=device).repeat_interleave(self.completions)
        slots = np.array([o * self.completions + k for o in order for k in range(self.completions)])
        if self.completions > 1:
            cache.keep(repeated)
            hidden = hidden.index_select(0, repeated)
        live = np.ones(len(slots), dtype=bool)
        for step in range(self.sampling.max_tokens):
            tokens = self._choose(logits_at(self.network, hidden), slots, live, step)
            live &= ~torch.isin(tokens, self.stop).cpu().numpy()
            if not live.any() or step + 1 == self.sampling.max_tokens:
                return
            if live.mean() < KEEP_SHARE:
                rows = torch.from_numpy(np.flatnonzero(live)).to(device)
                cache.keep(rows)
                tokens, slots, live = tokens.index_select(0, rows), slots[live], live[live]
            hidden = self._step(tokens, cache)

    def _read(self, prompts: Sequence[Sequence[int]], cache: KeyValueCache) -> tuple[Tensor, list[int]]:
        batch = pack([TokenSequence(p, [False] * len(p), "") for p in prompts]).to(self.network.device)
        out = self.network.base_model(
            input_ids=batch.ids[None],
            position_ids=batch.positions[None],
            use_cache=False,
            layout=batch.layout,
            cache=cache,
        )
        order = torch.argsort(batch.last)  # stream order is the cache's row order
        return out.last_hidden_state[0].index_select(0, batch.last[order]), order.tolist()

    def _step(self, tokens: Tensor, cache: KeyValueCache) -> Tensor:
        out = self.network.base_model(
            input_ids=tokens[None], position_ids=cache.lengths[None], use_cache=False, cache=cache
        )
        cache.advance()
        hidden: Tensor = out.last_hidden_state[0]
        return hidden

    def _choose(self, logits: Tensor, slots: np.ndarray, live: np.ndarray, step: int) -> Tensor:
        """Sample one token a row by inverting the cumulative distribution at the row's own uniform number."""
        temperature = self.sampling.temperature or 1.0
        logprobs = torch.log_softmax(logits.float() / temperature, dim=-1)
        if self.sampling.temperature == 0:
            tokens = logprobs.argmax(dim=-1)
        else:
            uniform = torch.from_numpy(self.uniform[slots, step]).to(logits.device)
            tokens = sample(logprobs, uniform, top_p=self.sampling.top_p, top_k=self.sampling.top_k)
        chosen = logprobs.gather(1, tokens[:, None])[:, 0]
        into = slots[live]
        self.ids[into, step] = tokens.cpu().numpy()[live]
        self.logprobs[into, step] = chosen.cpu().numpy()[live]
        self.counts[into] = step + 1
        self.finished[into] = torch.isin(tokens, self.stop).cpu().numpy()[live]
        return tokens


def sample(logprobs: Tensor, uniform: Tensor, *, top_p: float = 1.0, top_k: int = 0) -> Tensor:
    """Return a token (rows,) for each row of log-probs (rows, V), by inverse transform of `uniform` (rows,) in [0, 1).

    top_k keeps the k likeliest tokens; top_p then keeps the smallest set whose mass reaches p (at least one token).
    """
    if top_p >= 1 and top_k == 0:
        return _invert(logprobs.exp(), uniform)
    ordered, index = logprobs.exp().sort(dim=-1, descending=True)
    if top_k:
        ordered = ordered.masked_fill(torch.arange(ordered.shape[-1], device=ordered.device) >= top_k, 0.0)
    before = ordered.cumsum(dim=-1) - ordered
    ordered = ordered.masked_fill(before >= top_p * ordered.sum(dim=-1, keepdim=True), 0.0)
    return index.gather(1, _invert(ordered, uniform)[:, None])[:, 0]


def _invert(weights: Tensor, uniform: Tensor) -> Tensor:
    total = weights.cumsum(dim=-1)
    point = (uniform.to(total.dtype) * total[:, -1])[:, None]
    chosen = torch.searchsorted(total, point, right=True)[:, 0]
    # Rounding can put the point at the very end: take the last token that has weight.
    last = weights.shape[-1] - 1 - (weights > 0).flip(-1).to(torch.uint8).argmax(dim=-1)
    return torch.minimum(chosen, last)


def _uniforms(seed: int, row: tuple[int, int], completions: int, length: int) -> np.ndarray:
    """Random numbers of one completion of one prompt, whatever it is batched with."""
    sequence = np.random.SeedSequence(seed, spawn_key=(row[0], row[1]))
    del completions
    return np.random.Generator(np.random.Philox(sequence)).random(length)


def stream(
    network: PreTrainedModel, prompt: Sequence[int], *, stop_ids: Sequence[int], sampling: Sampling
) -> Iterator[int]:
    """Yield one completion's ids as they are sampled, without the stop token; the same ids as `generate`'s."""
    batch = _Batch(network, [(0, 0)], 1, sampling, frozenset(stop_ids))
    with torch.inference_mode():
        cache = KeyValueCache(rows=1, capacity=len(prompt) + sampling.max_tokens)
        hidden, _ = batch._read([prompt], cache)
        slots, live = np.array([0]), np.array([True])
        for step in range(sampling.max_tokens):
            tokens = batch._choose(logits_at(network, hidden), slots, live, step)
            if bool(torch.isin(tokens, batch.stop)):
                return
            yield int(tokens)
            if step + 1 < sampling.max_tokens:
                hidden = batch._step(tokens, cache)
