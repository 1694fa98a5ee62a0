"""`POST /v1/chat/completions`, plain and as a stream of server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from tunesmith.serve.asking import answered, chat_ask_fields
from tunesmith.serve.grounding import sources_of
from tunesmith.serve.openai_errors import as_refusal, error_body
from tunesmith.serve.reply import Reply, usage_of
from tunesmith.serve.request_body import ChatBody, read_body, schema_for
from tunesmith.serve.responses import DONE, EventStream, event, while_connected
from tunesmith.serve.served_model import Ask, TokenLogprob
from tunesmith.serve.service import Service

router = APIRouter()


@router.post("/v1/chat/completions", openapi_extra=schema_for(ChatBody))
async def chat_completions(request: Request) -> Response:
    """Answer a conversation."""
    return await answered(request, "chat", _answer)


async def _answer(request: Request, service: Service, key: str, stack: ExitStack) -> Response:
    limits = service.settings.limits
    body = await read_body(request, ChatBody, timeout_s=limits.body_s)
    service.model(body.model)
    ask = Ask(**chat_ask_fields(body, limits), key=key, context=await sources_of(body, service.library))
    reply = Reply(service, ask, kind="chat", model=body.model, key=key)
    await reply.start()
    if not body.stream:
        return await while_connected(request, _whole(reply))
    usage = bool(body.stream_options and body.stream_options.include_usage)
    open_reply = stack.pop_all()

    async def close() -> None:
        with open_reply:
            await reply.end()

    return EventStream(_events(reply, usage=usage), stall_s=limits.stall_s, close=close)


async def _whole(reply: Reply) -> Response:
    logprobs: list[list[TokenLogprob]] = [[] for _ in range(reply.ask.n)]
    try:
        async for delta in reply.deltas():
            logprobs[delta.choice] += delta.logprobs
    finally:
        await reply.end()
    choices = [
        {
            "index": number,
            "message": {"role": "assistant", "content": reply.text(number), "refusal": None},
            "logprobs": None if reply.ask.top_logprobs is None else chat_logprobs(logprobs[number]),
            "finish_reason": reply.finish(number),
        }
        for number in range(reply.ask.n)
    ]
    body = {**_head(reply, "chat.completion"), "choices": choices, "usage": usage_of([reply])}
    return JSONResponse({**body, **_receipt(reply)})


async def _events(reply: Reply, *, usage: bool) -> AsyncIterator[bytes]:
    head = _head(reply, "chat.completion.chunk") | ({"usage": None} if usage else {})
    try:
        for number in range(reply.ask.n):
            first = _choice(number, {"role": "assistant", "content": ""})
            yield event({**head, "choices": [first], **_receipt(reply)})
        async for delta in reply.deltas():
            said = {"content": delta.text} if delta.text or delta.logprobs else {}
            choice = _choice(delta.choice, said, finish=delta.finish)
            if reply.ask.top_logprobs is not None:
                choice["logprobs"] = chat_logprobs(delta.logprobs)
            if said or delta.finish:
                yield event({**head, "choices": [choice]})
        await reply.end()
        if usage:
            yield event({**head, "choices": [], "usage": usage_of([reply])})
        yield DONE
    except Exception as error:
        yield event(error_body(as_refusal(error)))


def _head(reply: Reply, kind: str) -> dict[str, Any]:
    return {"id": reply.id, "object": kind, "created": int(reply.created), "model": reply.asked_model}


def _receipt(reply: Reply) -> dict[str, Any]:
    """What was put into the context, for a client that asked for one; OpenAI's clients pass over the field."""
    return {} if reply.receipt is None else {"receipt": reply.receipt}


def _choice(number: int, delta: dict[str, Any], *, finish: str | None = None) -> dict[str, Any]:
    return {"index": number, "delta": delta, "logprobs": None, "finish_reason": finish}


def chat_logprobs(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    """Return log-probs in the chat form."""
    content = [
        {
            **_token(one.token, one.logprob),
            "top_logprobs": [_token(token, logprob) for token, logprob in one.top],
        }
        for one in tokens
    ]
    return {"content": content, "refusal": None}


def _token(token: str, logprob: float | None) -> dict[str, Any]:
    # Part of a character has no text of its own, and the tokenizer does not tell its bytes.
    known = "\ufffd" not in token
    return {"token": token, "logprob": logprob, "bytes": list(token.encode()) if known else None}
