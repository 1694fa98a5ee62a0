"""Episodes: prompts answered by the policy, with what the trainer's own forward pass says of each token.

Per-token tensors are flat: the completions' tokens one after the other, `lengths` (B,) tokens each (N in all).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tunesmith.data.batch import TokenBatch, TokenSequence, TokenTree, pack, pack_trees
from tunesmith.data.chunks import split_by_tokens
from tunesmith.model.generate import Generated
from tunesmith.model.network import logprobs_of, source_states, target_logprobs

ReadStates = Callable[[Tensor], Tensor]
"""One number (M,) for each of M states (M, d)."""


class Episode(NamedTuple):
    """One prompt and one sampled completion. `group`: episodes of the same prompt in this rollout share it."""

    prompt: list[int]
    completion: list[int]
    finished: bool
    group: int
    key: str

    @property
    def size(self) -> int:
        """Tokens, prompt included."""
        return len(self.prompt) + len(self.completion)

    def sequence(self) -> TokenSequence:
        """Return the episode as a sequence whose completion tokens are targets."""
        mask = [False] * len(self.prompt) + [True] * len(self.completion)
        return TokenSequence(self.prompt + self.completion, mask, self.key)


ScoreEpisodes = Callable[[Sequence[Episode]], Tensor]
"""One score (B,) for each of B episodes."""


def episodes_of(prompts: Sequence[tuple[list[int], str]], generated: Sequence[Sequence[Generated]]) -> list[Episode]:
    """Return the episodes of (ids, key) prompts and their completions, prompt by prompt."""
    return [
        Episode(ids, g.ids, g.finished, group, key)
        for group, ((ids, key), row) in enumerate(zip(prompts, generated, strict=True))
        for g in row
    ]


def pack_episodes(episodes: Sequence[Episode]) -> TokenBatch:
    """Return a batch whose targets are the completions' tokens, in the episodes' order.

    Neighbours of the same group share their prompt.
    """
    trees: list[TokenTree] = []
    last = None
    for e in episodes:
        if trees and e.group == last:
            trees[-1] = trees[-1]._replace(completions=[*trees[-1].completions, e.completion])
        else:
            trees.append(TokenTree(e.prompt, [e.completion], e.key))
        last = e.group
    if len(trees) == len(episodes):
        return pack([e.sequence() for e in episodes])
    return pack_trees(trees)


def lengths_of(episodes: Sequence[Episode]) -> Tensor:
    """Return the completions' lengths (B,)."""
    return torch.tensor([len(e.completion) for e in episodes])


def token_slices(episodes: Sequence[Episode]) -> list[slice]:
    """Return where each episode's tokens stand in a flat tensor."""
    ends = lengths_of(episodes).cumsum(0).tolist()
    return [slice(end - len(e.completion), end) for e, end in zip(episodes, ends, strict=True)]


def _chunks(episodes: Sequence[Episode], limit: int) -> list[list[int]]:
    """Return episode indexes in chunks of similar length; a group stays together."""
    groups: dict[int, list[int]] = {}
    for index, episode in enumerate(episodes):
        groups.setdefault(episode.group, []).append(index)
    members = list(groups.values())
    sizes = [len(episodes[m[0]].prompt) + sum(len(episodes[i].completion) for i in m) for m in members]
    return [[i for g in part for i in members[g]] for part in split_by_tokens(range(len(members)), sizes, limit)]


@torch.no_grad()
def completion_logprobs(
    network: PreTrainedModel, episodes: Sequence[Episode], *, temperature: float, micro_batch_tokens: int
) -> Tensor:
    """Return log pi (N,) of every completion token, by the training forward pass with dropout off, on the CPU."""
    return _per_token(
        network, episodes, micro_batch_tokens, lambda b: target_logprobs(network, b, temperature=temperature).logprobs
    )


@torch.no_grad()
def completion_values(
    network: PreTrainedModel, episodes: Sequence[Episode], *, read: ReadStates, micro_batch_tokens: int
) -> Tensor:
    """Return what is read (N,) off the state before each completion token, on the CPU."""
    return _per_token(network, episodes, micro_batch_tokens, lambda b: read(source_states(network, b)))


class TokenScores(NamedTuple):
    """log pi and V (N,) of every completion token."""

    logprobs: Tensor
    values: Tensor


@torch.no_grad()
def completion_scores(
    network: PreTrainedModel,
    episodes: Sequence[Episode],
    *,
    read: ReadStates,
    temperature: float,
    micro_batch_tokens: int,
) -> TokenScores:
    """Return what `completion_logprobs` and `completion_values` do of one network, from one forward pass."""

    def both(batch: TokenBatch) -> Tensor:
        states = source_states(network, batch)
        logprobs = logprobs_of(network, states, batch.targets, temperature=temperature).logprobs
        return torch.stack([logprobs.float(), read(states)])

    return TokenScores(*_per_token(network, episodes, micro_batch_tokens, both))


def _per_token(
    network: PreTrainedModel,
    episodes: Sequence[Episode],
    micro_batch_tokens: int,
    evaluate: Callable[[TokenBatch], Tensor],
) -> Tensor:
    """Return what `evaluate` gives (..., M) for packed episodes as (..., N), in the episodes' order."""
    was_training = network.training
    network.eval()
    where = token_slices(episodes)
    out = torch.empty(0)
    for part in _chunks(episodes, micro_batch_tokens):
        found = evaluate(pack_episodes([episodes[i] for i in part]).to(network.device)).float().cpu()
        if not out.numel():
            out = torch.empty(*found.shape[:-1], where[-1].stop)
        start = 0
        for index in part:
            n = len(episodes[index].completion)
            out[..., where[index]] = found[..., start : start + n]
            start += n
    network.train(was_training)
    return out


def rollout_state(episodes: Sequence[Episode]) -> dict[str, Tensor | list[str]]:
    """Return episodes as tensors and JSON for a checkpoint."""
    ids = [t for e in episodes for t in (*e.prompt, *e.completion)]
    return {
        "ids": torch.tensor(ids, dtype=torch.int32),
        "shape": torch.tensor(
            [[len(e.prompt), len(e.completion), int(e.finished), e.group] for e in episodes], dtype=torch.int64
        ).reshape(-1, 4),
        "keys": [e.key for e in episodes],
    }


def rollout_from_state(state: dict[str, Tensor | list[str]]) -> list[Episode]:
    """Return the episodes that `rollout_state` wrote."""
    ids, shape, keys = state["ids"], state["shape"], state["keys"]
    assert isinstance(ids, Tensor) and isinstance(shape, Tensor)
    flat, at, episodes = ids.tolist(), 0, []
    for (p, c, finished, group), key in zip(shape.tolist(), keys, strict=True):
        episodes.append(Episode(flat[at : at + p], flat[at + p : at + p + c], bool(finished), group, str(key)))
        at += p + c
    return episodes
