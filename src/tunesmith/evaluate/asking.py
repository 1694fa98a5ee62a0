"""Put a task's requests to a model: likelihoods in trees that share the context, completions by the generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from tunesmith.core.errors import ConfigError
from tunesmith.data.batch import TokenTree, pack_trees
from tunesmith.data.chunks import split_by_tokens
from tunesmith.evaluate.scorer import Likelihoods, Written
from tunesmith.evaluate.task import Ask, Choices, Form, Protocol
from tunesmith.model.generate import Sampling, generate
from tunesmith.model.load import LanguageModel
from tunesmith.model.network import hidden_states, target_distributions
from tunesmith.text.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`max_length`: tokens of prompt and completion together; `micro_batch_tokens`: of one forward pass."""

    max_length: int
    micro_batch_tokens: int = 4096


class Split(NamedTuple):
    """Token ids of a context and of what continues it."""

    context: list[int]
    continuation: list[int]


class Asked(NamedTuple):
    """Responses in the order of the requests. `cut` prompts lost their beginning to fit into `max_length`."""

    responses: list[Likelihoods] | list[Written]
    cut: int
    tokens: int


def start_id(tokenizer: Tokenizer) -> int:
    """Return the token that stands before a text: the beginning-of-text token, else the end-of-text token.

    Raises:
        ConfigError: the tokenizer names neither.
    """
    found = tokenizer.start_id()
    if found is not None:
        return found
    raise ConfigError("the tokenizer names no token that a text begins with", remedy="set bos_token or eos_token")


def context_ids(tokenizer: Tokenizer, context: str) -> list[int]:
    """Return the ids of a context: the text's own, after a beginning-of-text token where the tokenizer has one.

    An empty context is the start token alone, so that the first token of a text has a probability too.
    """
    ids = tokenizer.encode(context)
    begin = tokenizer.named_id("bos_token")
    if not ids:
        return [start_id(tokenizer)]
    return ids if begin is None else [begin, *ids]


def split_ids(tokenizer: Tokenizer, context: str, continuation: str) -> Split:
    """Return both texts' ids such that together they are the ids of the joined text, where the tokenizer allows it.

    White space at the end of the context belongs to the continuation: tokens begin with it, and a context that ends
    in a lone space would make every continuation unlikely. Where a token would span the seam, the two texts are
    encoded apart, so that all continuations of a context share its ids.
    """
    bare = context.rstrip()
    continuation = context[len(bare) :] + continuation
    before = context_ids(tokenizer, bare)
    own = len(tokenizer.encode(bare))
    whole = tokenizer.encode(bare + continuation)
    shared = whole[:own] == tokenizer.encode(bare)
    return Split(before, whole[own:] if shared else tokenizer.encode(continuation))


@torch.inference_mode()
def likelihoods(model: LanguageModel, requests: Sequence[Choices], limits: Limits) -> Asked:
    """Return each continuation's log-prob: log p(context + continuation) - log p(context), summed over its tokens.

    A context that does not fit beside its longest continuation loses its beginning, and is counted.

    Raises:
        ConfigError: a continuation alone is longer than `max_length`, or has no token.
    """
    trees, cut = [], 0
    for number, request in enumerate(requests):
        split = [split_ids(model.tokenizer, request.context, text) for text in request.continuations]
        longest = max(len(part.continuation) for part in split)
        room = limits.max_length - longest
        if room < 1 or not all(part.continuation for part in split):
            raise ConfigError(
                f"continuation of {longest} tokens", where=f"item {number + 1}", why="1 to max_length - 1"
            )
        context = split[0].context
        cut += len(context) > room
        trees.append(TokenTree(context[-room:], [part.continuation for part in split], str(number)))
    sizes = [len(tree.prompt) + sum(map(len, tree.completions)) for tree in trees]
    found: list[Likelihoods | None] = [None] * len(trees)
    for part in split_by_tokens(range(len(trees)), sizes, limits.micro_batch_tokens):
        sums, greedy = _sums(model, [trees[i] for i in part])
        at = 0
        for index in part:
            n = len(trees[index].completions)
            lengths = tuple(max(1, len(text.lstrip())) for text in requests[index].continuations)
            found[index] = Likelihoods(tuple(sums[at : at + n]), tuple(greedy[at : at + n]), lengths)
            at += n
    return Asked([f for f in found if f is not None], cut, sum(sizes))


def _sums(model: LanguageModel, trees: Sequence[TokenTree]) -> tuple[list[float], list[bool]]:
    batch = pack_trees(trees).to(model.network.device)
    hidden = hidden_states(model.network, batch)
    logprobs: list[Tensor] = []
    best: list[Tensor] = []
    for some, targets in target_distributions(model.network, hidden, batch):
        logprobs.append(some.gather(1, targets[:, None])[:, 0])
        best.append(some.argmax(dim=-1) == targets)
    total = torch.zeros(batch.sequences, dtype=torch.float64, device=hidden.device)
    total.index_add_(0, batch.owner, torch.cat(logprobs).double())
    wrong = torch.zeros(batch.sequences, device=hidden.device)
    wrong.index_add_(0, batch.owner, (~torch.cat(best)).float())
    return total.tolist(), (wrong == 0).tolist()


def prompt_ids(model: LanguageModel, request: Ask, form: Form) -> list[int]:
    """Return the ids that the model continues."""
    if form == "plain":
        return context_ids(model.tokenizer, request.plain.rstrip(" "))
    return model.chat_template().render_prompt(request.messages)


def completions(
    model: LanguageModel, requests: Sequence[Ask], protocol: Protocol, form: Form, limits: Limits, *, seed: int
) -> Asked:
    """Return the completions, each ended by the model, at a stop text (which is cut off), or at `max_tokens`.

    A prompt that leaves no room for `max_tokens` loses its beginning, and is counted.
    """
    room = limits.max_length - protocol.max_tokens
    if room < 1:
        raise ConfigError(f"max_tokens {protocol.max_tokens} leaves no room for a prompt", where="max_length")
    prompts = [prompt_ids(model, request, form) for request in requests]
    cut = sum(len(ids) > room for ids in prompts)
    template = model.template
    stop_ids = template.stop_ids if template is not None else (start_id(model.tokenizer),)
    sampling = Sampling(
        max_tokens=protocol.max_tokens, temperature=protocol.temperature, top_p=protocol.top_p, seed=seed
    )
    drawn = generate(
        model.network,
        [ids[-room:] for ids in prompts],
        stop_ids=stop_ids,
        sampling=sampling,
        completions=protocol.completions,
    )
    ends = frozenset(stop_ids)
    written = []
    for row in drawn:
        texts = [model.tokenizer.decode([i for i in one.ids if i not in ends]) for one in row]
        cuts = [until(text, protocol.stop) for text in texts]
        done = tuple(one.finished or len(c) < len(t) for one, c, t in zip(row, cuts, texts, strict=True))
        written.append(Written(tuple(cuts), done))
    return Asked(written, cut, sum(map(len, prompts)) + sum(len(one.ids) for row in drawn for one in row))


def until(text: str, stop: Sequence[str]) -> str:
    """Return the text before the first occurrence of any stop text."""
    places = [place for mark in stop if (place := text.find(mark)) >= 0]
    return text[: min(places)] if places else text
