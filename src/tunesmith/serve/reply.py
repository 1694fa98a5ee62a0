"""One reply under way: who answers, what came so far, how long it took; and its record at the end."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

from starlette.concurrency import run_in_threadpool

from tunesmith.serve.reply_record import Completion, ReplyRecord, Timings
from tunesmith.serve.served_model import Answer, Ask, Delta, Echo, Finish
from tunesmith.serve.service import Service

_PREFIX = {"chat": "chatcmpl", "completion": "cmpl"}


class Reply:
    """Start it, read its deltas, and `end` it whatever happened: it is stopped, counted and recorded."""

    def __init__(
        self, service: Service, ask: Ask, *, kind: Literal["chat", "completion"], model: str, key: str
    ) -> None:
        self.id = f"{_PREFIX[kind]}-{secrets.token_hex(12)}"
        self.created = time.time()
        self.ask = ask
        self.asked_model = model
        self._service = service
        self._kind: Literal["chat", "completion"] = kind
        self._key = key
        self._began = time.perf_counter()
        self._first: float | None = None
        self._last = self._began
        self._answer: Answer | None = None
        self._texts: list[list[str]] = [[] for _ in range(ask.n)]
        self._tokens = [0] * ask.n
        self._finishes: list[Finish | None] = [None] * ask.n
        self._ending: asyncio.Task[None] | None = None

    @property
    def receipt(self) -> dict[str, Any] | None:
        """The account of a fitted prompt; None where the messages were read as they came."""
        receipt = self._answer.read.receipt if self._answer else None
        return receipt.to_json() if receipt else None

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompt, as far as they are known."""
        return self._answer.prompt_tokens if self._answer else 0

    @property
    def completion_tokens(self) -> int:
        """Tokens of all choices so far."""
        return sum(self._tokens)

    def text(self, choice: int) -> str:
        """Return what a choice says so far."""
        return "".join(self._texts[choice])

    def finish(self, choice: int) -> Finish | None:
        """Return why a choice ended, None while it goes on."""
        return self._finishes[choice]

    async def start(self) -> None:
        """Begin to answer.

        Raises:
            Refusal: the ask does not fit the model, or the queue is full.
        """
        self._answer = await self._service.model(self.asked_model).start(self.ask)

    async def deltas(self) -> AsyncIterator[Delta]:
        """Yield the pieces as they come, and keep them for the record.

        Raises:
            Refusal: the answer cannot go on.
        """
        assert self._answer is not None, "started first"
        async for delta in self._answer.deltas():
            self._last = time.perf_counter()
            if self._first is None and delta.tokens:
                self._first = self._last
            self._texts[delta.choice].append(delta.text)
            self._tokens[delta.choice] += delta.tokens
            self._finishes[delta.choice] = delta.finish or self._finishes[delta.choice]
            yield delta

    async def echo(self) -> Echo:
        """Return what is told of the prompt; see `Answer.echo`. It is no part of the record's completions."""
        assert self._answer is not None, "started first"
        return await self._answer.echo()

    async def end(self) -> None:
        """Stop what still goes on, count, and record, once; every call returns when that is done."""
        if self._answer is None:
            return
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(self._answer))
        # A client may leave while its reply ends by itself: the caller is then cancelled, the ending must not be.
        await asyncio.shield(self._ending)

    async def _end(self, answer: Answer) -> None:
        await answer.close()
        self._count()
        if self._service.on_reply is not None:
            await run_in_threadpool(self._service.record, self.record())

    def _count(self) -> None:
        metrics = self._service.metrics
        metrics.tokens.labels(self.asked_model, "prompt").inc(self.prompt_tokens)
        metrics.tokens.labels(self.asked_model, "completion").inc(self.completion_tokens)
        if self._first is not None:
            metrics.first_token.labels(self.asked_model).observe(self._first - self._began)
            steps = max(self._tokens) - 1
            if steps > 0:
                metrics.per_token.labels(self.asked_model).observe((self._last - self._first) / steps)

    def record(self) -> ReplyRecord:
        """Return what is known of the reply."""
        assert self._answer is not None, "started first"
        now = time.perf_counter()
        first = None if self._first is None else self._first - self._began
        said = zip(self._texts, self._finishes, self._tokens, strict=True)
        ask = self.ask
        return ReplyRecord(
            id=self.id,
            kind=self._kind,
            created=self.created,
            asked_model=self.asked_model,
            model=self._answer.model,
            folder=self._answer.folder,
            messages=self._answer.read.messages,
            prompt=ask.prompt,
            completions=tuple(Completion("".join(text), finish, tokens) for text, finish, tokens in said),
            seed=ask.seed,
            temperature=ask.temperature,
            top_p=ask.top_p,
            top_k=ask.top_k,
            max_tokens=ask.max_tokens,
            stop=ask.stop,
            prompt_tokens=self.prompt_tokens,
            timings=Timings(first_token_s=first, total_s=now - self._began),
            key=self._key,
            user=ask.user,
            metadata=ask.metadata,
            asked=next((one.content for one in reversed(ask.messages) if one.role == "user"), ""),
            receipt=self.receipt,
            arm=self._answer.read.arm,
        )


def usage_of(replies: Sequence[Reply]) -> dict[str, int]:
    """Return the token counts of replies, as OpenAI names them."""
    prompt, completion = sum(r.prompt_tokens for r in replies), sum(r.completion_tokens for r in replies)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
