"""A model behind another OpenAI-compatible server (vLLM, or a hosted one): the same API and limits in front of it.

Each answer is one streamed request, whose connection is closed when the client leaves, which is how such servers are
told to stop. The address was checked and is pinned (`make/distill/address.py`); the key never appears in an error.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from tunesmith.core.errors import EnvironmentProblem
from tunesmith.core.records import messages_to_json
from tunesmith.make.distill.address import Address, pin
from tunesmith.make.distill.endpoint import message_of, retry_after
from tunesmith.serve.served_model import Answer, Ask, Delta, Echo, Read, no_context
from tunesmith.serve.upstream_events import delta_of
from tunesmith.web.refusal import Refusal

_LONGEST_LINE = 2**20
_LONGEST_ERROR = 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where the models are. `max_tokens` is what an ask that names none gets; `timeout_s` the longest silence."""

    address: Address
    key: str = ""
    timeout_s: float = 120.0
    max_tokens: int = 1024

    def client(self) -> httpx.AsyncClient:
        """Return a client for one answer. Proxies from the environment would undo the check of the address."""
        headers = {**pin(self.address).headers} | ({"Authorization": f"Bearer {self.key}"} if self.key else {})
        return httpx.AsyncClient(
            timeout=self.timeout_s, headers=headers, follow_redirects=False, trust_env=False, verify=_TLS.context()
        )

    def hidden(self, text: str) -> str:
        """Return a text without the key: some servers repeat the one that they refuse."""
        return text.replace(self.key, "***") if self.key else text


class _Tls:
    """One TLS context for all clients, made at the first need: reading the certificates takes a while."""

    def __init__(self) -> None:
        self._made: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        self._made = self._made or httpx.create_ssl_context(trust_env=False)
        return self._made


_TLS = _Tls()


class UpstreamModel:
    """See `ServedModel`. `remote` is the upstream's own name of the model."""

    waiting = 0
    fits_context = False

    def __init__(self, upstream: Upstream, *, name: str, remote: str, max_length: int = 0) -> None:
        self.name = name
        self.folder = f"{remote} at {upstream.address.url}"
        self.created = int(time.time())
        self.max_length = max_length
        self._upstream = upstream
        self._remote = remote
        self._reached = True
        self._closing = False

    @property
    def ready(self) -> bool:
        """Whether the upstream could be reached the last time."""
        return self._reached and not self._closing

    async def start(self, ask: Ask) -> Answer:
        """Ask the upstream; see `ServedModel.start`.

        Raises:
            Refusal: with the upstream's status for 400, 429 and 503, else 502 or 504.
        """
        if ask.context is not None:
            raise no_context(self.name)
        if ask.echo:
            # Servers differ in what they stream of a prompt, and some ignore the field: none is better than wrong ones.
            text = "echo is not supported for a model behind another server; ask that server"
            raise Refusal(400, text, code="unsupported_parameter", param="echo")
        path = "/completions" if ask.prompt is not None else "/chat/completions"
        pinned = pin(self._upstream.address)
        body = request_of(ask, self._remote, self._upstream.max_tokens)
        stack = AsyncExitStack()
        try:
            client = await stack.enter_async_context(self._upstream.client())
            request = client.stream(
                "POST", f"{pinned.url}{path}", content=orjson.dumps(body), extensions=pinned.extensions
            )
            response = await stack.enter_async_context(request)
            self._reached = True
            if response.status_code != 200:
                raise self._refused(response, await _beginning(response))
        except BaseException as error:
            await stack.aclose()
            if isinstance(error, httpx.HTTPError):
                self._reached = isinstance(error, httpx.ReadTimeout)
                raise _unreached(error) from error
            raise
        return _UpstreamAnswer(self, ask, response, stack)

    def close(self, grace_s: float) -> None:
        """Take no more asks; those under way end with their requests."""
        self._closing = True

    def _refused(self, response: httpx.Response, data: bytes) -> Refusal:
        status = response.status_code
        said = self._upstream.hidden(message_of(data))
        if status in (400, 413, 422):
            return Refusal(400, f"the upstream refuses: {said}")
        if status in (429, 503):
            wait = retry_after(response.headers.get("Retry-After", ""))
            return Refusal(status, "the upstream is busy", retry_after=max(1, round(wait or 1)), code="upstream_busy")
        return Refusal(502, f"the upstream answered {status}", code="upstream_failed")


async def _beginning(response: httpx.Response) -> bytes:
    data = b""
    async for piece in response.aiter_bytes():
        data += piece
        if len(data) > _LONGEST_ERROR:
            break
    return data


def _unreached(error: httpx.HTTPError) -> Refusal:
    if isinstance(error, httpx.TimeoutException):
        return Refusal(504, "the upstream did not answer in time", code="upstream_timeout")
    return Refusal(502, f"the upstream cannot be reached ({type(error).__name__})", code="upstream_failed")


def request_of(ask: Ask, model: str, max_tokens: int) -> dict[str, Any]:
    """Return the body that asks an upstream for the same."""
    body: dict[str, Any] = {
        "model": model,
        "n": ask.n,
        "max_tokens": ask.max_tokens or max_tokens,
        "temperature": ask.temperature,
        "top_p": ask.top_p,
        "seed": ask.seed,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    body |= {"top_k": ask.top_k} if ask.top_k else {}
    body |= {"stop": list(ask.stop)} if ask.stop else {}
    top = ask.top_logprobs
    if ask.prompt is not None:
        prompt = ask.prompt if isinstance(ask.prompt, str) else list(ask.prompt)
        return {**body, "prompt": prompt, **({} if top is None else {"logprobs": top})}
    logprobs = {} if top is None else {"logprobs": True, "top_logprobs": top}
    return {**body, "messages": messages_to_json(ask.messages), **logprobs}


class _UpstreamAnswer:
    """See `Answer`."""

    def __init__(self, model: UpstreamModel, ask: Ask, response: httpx.Response, stack: AsyncExitStack) -> None:
        self.model = model.name
        self.folder = model.folder
        self.prompt_tokens = 0
        self.read = Read(messages=ask.messages)
        self._ask = ask
        self._upstream = model._upstream
        self._response = response
        self._stack = stack

    async def deltas(self) -> AsyncIterator[Delta]:
        """Yield the pieces; see `Answer.deltas`. Every chunk counts one token until the upstream says how many."""
        left, counted = set(range(self._ask.n)), 0
        try:
            async for found in self._chunks():
                for choice in found.get("choices") or ():
                    delta = delta_of(choice)
                    if delta.choice not in left:
                        continue
                    counted += delta.tokens
                    left -= {delta.choice} if delta.finish else set()
                    yield delta
                usage = found.get("usage")
                if usage:
                    self.prompt_tokens = int(usage["prompt_tokens"])
                    yield Delta(0, "", int(usage["completion_tokens"]) - counted)
                    counted = int(usage["completion_tokens"])
        except httpx.HTTPError as error:
            raise _unreached(error) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Refusal(502, "the upstream's answer is not what the protocol says", code="upstream_failed") from error
        if left:
            raise Refusal(502, "the upstream stopped before the answer was complete", code="upstream_failed")

    async def _chunks(self) -> AsyncIterator[dict[str, Any]]:
        rest = b""
        async for piece in self._response.aiter_bytes():
            *lines, rest = (rest + piece).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                raise ValueError("a line without an end")
            for line in lines:
                data = line.strip().removeprefix(b"data:").strip()
                if not line.startswith(b"data:") or data == b"[DONE]":
                    continue
                found = orjson.loads(data)
                if found.get("error"):
                    said = self._upstream.hidden(message_of(data))
                    raise Refusal(502, f"the upstream failed: {said}", code="upstream_failed")
                yield found

    async def echo(self) -> Echo:
        """Return nothing: asks with `echo` are refused."""
        return Echo()

    async def close(self) -> None:
        """Close the connection, which tells the upstream to stop."""
        await self._stack.aclose()


def listed_models(upstream: Upstream) -> list[str]:
    """Return the models that the upstream says it has.

    Raises:
        EnvironmentProblem: it cannot be reached, refuses, or answers something else.
    """
    pinned = pin(upstream.address)
    headers = pinned.headers | ({"Authorization": f"Bearer {upstream.key}"} if upstream.key else {})
    remedy = "check the address and the key, or name the models: tunesmith serve NAME --upstream URL"
    try:
        with httpx.Client(timeout=30, headers=headers, trust_env=False) as client:
            found = client.get(f"{pinned.url}/models", extensions=pinned.extensions).raise_for_status().json()
        return [str(one["id"]) for one in found["data"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        why = upstream.hidden(str(error)) or type(error).__name__
        raise EnvironmentProblem(
            "does not list its models", where=upstream.address.url, why=why, remedy=remedy
        ) from error
