"""From a checked request body to an ask, within the server's limits; and the door that counts every request."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from tunesmith.core.records import Message
from tunesmith.serve.openai_errors import as_refusal, refuse
from tunesmith.serve.request_body import ChatBody, CompletionBody, RequestBody
from tunesmith.serve.service import Service, key_of, service_of
from tunesmith.serve.settings import Limits
from tunesmith.web.refusal import Refusal

COLDEST = 1e-4  # below it, sampling is greedy


def chat_ask_fields(body: ChatBody, limits: Limits) -> dict[str, Any]:
    """Return the fields of a chat's `Ask`.

    Raises:
        Refusal: a limit is exceeded, or two fields contradict each other.
    """
    if body.max_tokens is not None and body.max_completion_tokens is not None:
        raise Refusal(400, "give max_tokens or max_completion_tokens, not both", param="max_completion_tokens")
    if body.top_logprobs is not None and not body.logprobs:
        raise Refusal(400, "top_logprobs needs logprobs: true", code="invalid_value", param="top_logprobs")
    messages = tuple(Message("system" if m.role == "developer" else m.role, m.text()) for m in body.messages)
    wanted = body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens
    top = (body.top_logprobs or 0) if body.logprobs else None
    return {"messages": messages, "top_logprobs": top, **_common(body, limits, wanted, choices=body.n or 1)}


def completion_prompts(body: CompletionBody) -> list[str | tuple[int, ...]]:
    """Return the prompts of a plain completion, each a text or token ids."""
    given = body.prompt
    if isinstance(given, str):
        return [given]
    if isinstance(given[0], int):
        return [tuple(given)]
    return [one if isinstance(one, str) else tuple(one) for one in given]


def completion_ask_fields(body: CompletionBody, limits: Limits, prompts: Sequence[Any]) -> dict[str, Any]:
    """Return the fields of a plain completion's `Ask`s, all but the prompt.

    Raises:
        Refusal: a limit is exceeded.
    """
    if body.max_tokens == 0 and not body.echo:
        raise Refusal(400, "max_tokens: 0 needs echo: true", code="invalid_value", param="max_tokens")
    choices = (body.n or 1) * len(prompts)
    return {
        "top_logprobs": body.logprobs,
        "echo": bool(body.echo),
        **_common(body, limits, body.max_tokens, choices=choices),
    }


def _common(body: RequestBody, limits: Limits, wanted: int | None, *, choices: int) -> dict[str, Any]:
    if choices > limits.n:
        raise Refusal(400, f"n: at most {limits.n} completions a request", code="invalid_value", param="n")
    if wanted is not None and wanted > limits.max_tokens:
        text = f"max_tokens: at most {limits.max_tokens} on this server"
        raise Refusal(400, text, code="invalid_value", param="max_tokens")
    if body.stream_options is not None and not body.stream:
        raise Refusal(400, "stream_options needs stream: true", code="invalid_value", param="stream_options")
    # A reply can always be made again: a seed that was not given is drawn, and kept with the record.
    seed = secrets.randbelow(2**31) if body.seed is None else body.seed % 2**63
    return {
        "n": body.n or 1,
        "max_tokens": wanted,
        "temperature": _temperature(body.temperature),
        "top_p": 1.0 if body.top_p is None else body.top_p,
        "top_k": body.top_k or 0,
        "seed": seed,
        "stop": body.stops,
        "user": body.user or "",
        "metadata": body.metadata or {},
    }


def _temperature(wanted: float | None) -> float:
    """Return the temperature; one so low that logits divided by it overflow is greedy."""
    if wanted is None:
        return 1.0
    return wanted if wanted >= COLDEST else 0.0


Answering = Callable[[Request, Service, str, ExitStack], Awaitable[Response]]


async def answered(request: Request, route: str, answering: Answering) -> Response:
    """Admit a request, let it be answered, and count how it went.

    `answering` gets the key's name and a stack that it must close when the reply is over; it may take it over with
    `pop_all`, for a reply that goes on after the response was returned.
    """
    service, key = service_of(request), key_of(request)
    with ExitStack() as stack:
        try:
            stack.enter_context(service.admitted(key))
            response = await answering(request, service, key, stack)
        except Exception as error:
            response = refuse(as_refusal(error))
        service.metrics.requests.labels(route, str(response.status_code)).inc()
        return response
