"""What a served model is: something that answers asks, several at once. Local folders and upstream servers both are.

A route (or a page, or an A/B test) starts an answer and reads its deltas; closing it stops the generation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from tunesmith.core.records import Message

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A chat (`messages`) to answer, or a text or token ids (`prompt`) to continue, and how.

    `max_tokens` None: as many as the server's limit and the model's length allow. `top_logprobs` None: no log-probs.
    `user` is whatever the caller says who asks, `metadata` what for; neither is sent to the model.
    """

    messages: tuple[Message, ...] = ()
    prompt: str | tuple[int, ...] | None = None
    n: int = 1
    max_tokens: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    user: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class TokenLogprob(NamedTuple):
    """A sampled token's text and log-prob at the sampling temperature, and those of the likeliest tokens."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...]


class Delta(NamedTuple):
    """The next piece of one choice. The last one of a choice has its `finish`; `tokens` counts what it stands for."""

    choice: int
    text: str
    tokens: int
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: Finish | None = None


class Answer(Protocol):
    """One ask being answered. `model` and `folder` say by whom (an A/B test decides per ask).

    `prompt_tokens` is known at the first delta, or at the end with an upstream that says it only then.
    """

    model: str
    folder: str
    prompt_tokens: int

    def deltas(self) -> AsyncIterator[Delta]:
        """Yield the pieces as they come, until every choice has finished.

        Raises:
            Refusal: the answer cannot go on (the server stops, the model failed); what came so far stands.
        """
        ...

    async def close(self) -> None:
        """Stop generating; harmless when it is over already."""
        ...


class ServedModel(Protocol):
    """A model under its name. `created` is a Unix time; `max_length` is in tokens, 0 where unknown."""

    name: str
    folder: str
    created: int
    max_length: int

    @property
    def ready(self) -> bool:
        """Whether it can answer now."""
        ...

    @property
    def waiting(self) -> int:
        """How many asks are queued and not yet being answered."""
        ...

    async def start(self, ask: Ask) -> Answer:
        """Begin to answer.

        Raises:
            Refusal: the ask does not fit the model (400), or the queue is full (503).
        """
        ...

    def close(self, grace_s: float) -> None:
        """Take no more asks, let the running ones finish within `grace_s` seconds, then cut them. Blocks."""
        ...
