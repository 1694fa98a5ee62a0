"""`POST /v1/completions`: plain text goes on, for base models and for tools that score text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from tunesmith.serve.asking import answered, completion_ask_fields, completion_prompts
from tunesmith.serve.openai_errors import as_refusal, error_body
from tunesmith.serve.reply import Reply, usage_of
from tunesmith.serve.request_body import CompletionBody, read_body, schema_for
from tunesmith.serve.responses import DONE, EventStream, event, while_connected
from tunesmith.serve.served_model import Ask, Delta, Echo, TokenLogprob
from tunesmith.serve.service import Service

router = APIRouter()


@router.post("/v1/completions", openapi_extra=schema_for(CompletionBody))
async def completions(request: Request) -> Response:
    """Continue one text or several."""
    return await answered(request, "completion", _answer)


async def _answer(request: Request, service: Service, key: str, stack: ExitStack) -> Response:
    limits = service.settings.limits
    body = await read_body(request, CompletionBody, timeout_s=limits.body_s)
    service.model(body.model)
    prompts = completion_prompts(body)
    fields = completion_ask_fields(body, limits, prompts)
    asks = [Ask(prompt=prompt, **fields) for prompt in prompts]
    replies = [Reply(service, ask, kind="completion", model=body.model, key=key) for ask in asks]
    for number, reply in enumerate(replies[1:], 1):
        reply.id = f"{replies[0].id}-{number}"  # the client sees one answer, the records are one a prompt
    try:
        for reply in replies:
            await reply.start()
    except BaseException:
        await _end(replies)
        raise
    if not body.stream:
        return await while_connected(request, _whole(replies))
    usage = bool(body.stream_options and body.stream_options.include_usage)
    open_reply = stack.pop_all()

    async def close() -> None:
        with open_reply:
            await _end(replies)

    return EventStream(_events(replies, usage=usage), stall_s=limits.stall_s, close=close)


async def _end(replies: Sequence[Reply]) -> None:
    for reply in replies:
        await reply.end()


async def _deltas(replies: Sequence[Reply]) -> AsyncIterator[tuple[int, Delta]]:
    """Yield (index of the choice, delta), prompt after prompt; they are generated together.

    With `echo`, each choice's first delta begins with the prompt.
    """
    for number, reply in enumerate(replies):
        echo, begun = Echo(), set[int]()
        async for delta in reply.deltas():
            if reply.ask.echo and not begun:
                echo = await reply.echo()
            told = delta if delta.choice in begun else _after(echo, delta)
            begun.add(delta.choice)
            yield number * reply.ask.n + delta.choice, told


def _after(echo: Echo, delta: Delta) -> Delta:
    return delta._replace(text=echo.text + delta.text, logprobs=echo.logprobs + delta.logprobs)


async def _whole(replies: Sequence[Reply]) -> Response:
    logprobs: defaultdict[int, list[TokenLogprob]] = defaultdict(list)
    texts: defaultdict[int, list[str]] = defaultdict(list)
    try:
        async for index, delta in _deltas(replies):
            logprobs[index] += delta.logprobs
            texts[index].append(delta.text)
    finally:
        await _end(replies)
    finishes = [reply.finish(k) for reply in replies for k in range(reply.ask.n)]
    wanted = replies[0].ask.top_logprobs is not None
    choices = [
        _choice(i, "".join(texts[i]), finish, completion_logprobs(logprobs[i], 0) if wanted else None)
        for i, finish in enumerate(finishes)
    ]
    return JSONResponse({**_head(replies[0]), "choices": choices, "usage": usage_of(replies)})


async def _events(replies: Sequence[Reply], *, usage: bool) -> AsyncIterator[bytes]:
    head = _head(replies[0]) | ({"usage": None} if usage else {})
    wanted = replies[0].ask.top_logprobs is not None
    offsets: dict[int, int] = {}
    try:
        async for index, delta in _deltas(replies):
            found = completion_logprobs(delta.logprobs, offsets.get(index, 0)) if wanted else None
            offsets[index] = offsets.get(index, 0) + sum(len(one.token) for one in delta.logprobs)
            if delta.text or delta.finish or delta.logprobs:
                yield event({**head, "choices": [_choice(index, delta.text, delta.finish, found)]})
        await _end(replies)
        if usage:
            yield event({**head, "choices": [], "usage": usage_of(replies)})
        yield DONE
    except Exception as error:
        yield event(error_body(as_refusal(error)))


def _head(reply: Reply) -> dict[str, Any]:
    return {"id": reply.id, "object": "text_completion", "created": int(reply.created), "model": reply.asked_model}


def _choice(index: int, text: str, finish: str | None, logprobs: dict[str, Any] | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": finish}


def completion_logprobs(tokens: Sequence[TokenLogprob], offset: int) -> dict[str, Any]:
    """Return log-probs in the older form of plain completions; offsets count characters of the choice's text.

    `offset` is where the first one begins, for tokens that do not say it themselves.
    """
    offsets = []
    for one in tokens:
        offsets.append(offset if one.offset is None else one.offset)
        offset += len(one.token)
    return {
        "tokens": [one.token for one in tokens],
        "token_logprobs": [one.logprob for one in tokens],
        # Where several tokens have the same text (pieces of a character), the likeliest one, the first, stands for it.
        "top_logprobs": [None if one.logprob is None else dict(reversed(one.top)) for one in tokens],
        "text_offset": offsets,
    }
