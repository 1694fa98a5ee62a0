"""What a served model is: something that answers asks, several at once. Local folders and upstream servers both are.

A route (or a page, or an A/B test) starts an answer and reads its deltas; closing it stops the generation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from tunesmith.context.library import Sources
from tunesmith.context.receipt import Receipt
from tunesmith.core.records import Message
from tunesmith.web.refusal import Refusal

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A chat (`messages`) to answer, or a text or token ids (`prompt`) to continue, and how.

    `max_tokens` None: as many as the server's limit and the model's length allow. `top_logprobs` None: no log-probs.
    `user` is whatever the caller says who asks, `key` the name of the API key, `metadata` what for; none is sent to the
    model. With a `context`, the prompt is fitted into the model's length: sources go in, history that does not fit
    stays out, and the answer has a receipt; without one, the messages are read as they are, or refused. With `echo`, a
    `prompt` is told with the answer (`Answer.echo`), and `max_tokens` may be 0: nothing is generated.
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
    echo: bool = False
    user: str = ""
    key: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    context: Sources | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a model was given to read: the messages, the account of how they were fitted, and an A/B test's arm."""

    messages: tuple[Message, ...] = ()
    receipt: Receipt | None = None
    arm: str = ""


class TokenLogprob(NamedTuple):
    """A token's text and log-prob, those of the likeliest tokens, and where its text begins in the choice's.

    Log-probs are at the sampling temperature, of a prompt's tokens at 1; a prompt's first token has none. `offset`
    None: the upstream does not say.
    """

    token: str
    logprob: float | None
    top: tuple[tuple[str, float], ...]
    offset: int | None = None


class Echo(NamedTuple):
    """A prompt's text, and its tokens where log-probs were asked for."""

    text: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()


class Delta(NamedTuple):
    """The next piece of one choice. The last one of a choice has its `finish`; `tokens` counts what it stands for."""

    choice: int
    text: str
    tokens: int
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: Finish | None = None


class Answer(Protocol):
    """One ask being answered. `model` and `folder` say by whom (an A/B test decides per ask), `read` from what.

    `prompt_tokens` is known at the first delta, or at the end with an upstream that says it only then.
    """

    model: str
    folder: str
    prompt_tokens: int
    read: Read

    def deltas(self) -> AsyncIterator[Delta]:
        """Yield the pieces as they come, until every choice has finished.

        Raises:
            Refusal: the answer cannot go on (the server stops, the model failed); what came so far stands.
        """
        ...

    async def echo(self) -> Echo:
        """Return what an ask with `echo` is told of its prompt, known from the first delta on; else nothing."""
        ...

    async def close(self) -> None:
        """Stop generating; harmless when it is over already."""
        ...


class ServedModel(Protocol):
    """A model under its name. `created` is a Unix time; `max_length` is in tokens, 0 where unknown.

    `fits_context`: asks may have a context, because the model's tokens can be counted here.
    """

    name: str
    folder: str
    created: int
    max_length: int

    @property
    def fits_context(self) -> bool:
        """Whether an ask may have a context."""
        ...

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


def no_context(name: str) -> Refusal:
    """Return the refusal of an ask with a context by a model that cannot count its tokens."""
    text = (
        f"{name} takes no context: its tokens cannot be counted on this server (it has no template or no known length)"
    )
    return Refusal(400, text, code="context_unsupported", param="context")
