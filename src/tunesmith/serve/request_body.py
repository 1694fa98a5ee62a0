"""What a client may ask, checked field by field. A field that is not supported is refused by its name.

A field of OpenAI's API that this server does not have is accepted where its value asks for nothing (`null`, or the
values in `NEUTRAL`), because clients send such defaults; nothing that asks for something is ignored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect

from tunesmith.core.nearest import did_you_mean
from tunesmith.web.refusal import Refusal

NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "response_format": ({"type": "text"},),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "modalities": (["text"],),
    "store": (False,),
    "service_tier": ("auto", "default"),
    "best_of": (1,),
    "suffix": ("",),
}
MOST_STOPS = 16
MOST_PAGES = 50
MOST_PASSAGES = 100
_MOST_MESSAGES = 1000
B = TypeVar("B", bound="RequestBody")

_StopText = Annotated[str, Field(min_length=1, max_length=200)]

_Name = Annotated[str, Field(max_length=64)]
_Value = Annotated[str, Field(max_length=512)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class StreamOptions(_Strict):
    """`include_usage`: a last chunk says how many tokens there were."""

    include_usage: bool | None = None


class TextPart(_Strict):
    """One part of a message's content; only text is supported."""

    type: Literal["text"]
    text: str


class ChatMessage(_Strict):
    """One turn. `developer` is OpenAI's newer word for `system`."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart]

    def text(self) -> str:
        """Return the whole content."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class RequestBody(_Strict):
    """What both kinds of request share."""

    model: str = Field(description="the name of a served model")
    max_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=0, le=1_000_000, description="0 = off; not in OpenAI's API")
    n: int | None = Field(None, ge=1)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    stop: _StopText | Annotated[list[_StopText], Field(max_length=MOST_STOPS)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: Annotated[str, Field(max_length=500)] | None = None
    metadata: Annotated[dict[_Name, _Value], Field(max_length=16)] | None = None

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop strings."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())


class ContextBody(_Strict):
    """What may go into the prompt beside the messages: pages of the server's workspace, and so many found passages.

    Even an empty one lets the oldest history go where not everything fits, instead of a refusal.
    """

    pages: list[Annotated[str, Field(min_length=1, max_length=1000)]] = Field(default=[], max_length=MOST_PAGES)
    passages: int = Field(0, ge=0, le=MOST_PASSAGES)


class ChatBody(RequestBody):
    """The body of `POST /v1/chat/completions`. `context` is not in OpenAI's API."""

    messages: list[ChatMessage] = Field(min_length=1, max_length=_MOST_MESSAGES)
    max_completion_tokens: int | None = Field(None, ge=1)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    context: ContextBody | None = None


class CompletionBody(RequestBody):
    """The body of `POST /v1/completions`."""

    prompt: (
        str
        | Annotated[list[str], Field(min_length=1)]
        | Annotated[list[int], Field(min_length=1)]
        | Annotated[list[list[int]], Field(min_length=1)]
    )
    max_tokens: int | None = Field(None, ge=0, description="0 only with echo: nothing is generated")
    logprobs: int | None = Field(None, ge=0, le=20)
    echo: bool | None = Field(None, description="the prompt stands before the completion, with its log-probs if asked")


async def read_body(request: Request, kind: type[B], *, timeout_s: float) -> B:
    """Return the request's body.

    Raises:
        Refusal: it did not come in time, is not JSON, or has a wrong or unsupported field, which is named.
    """
    try:
        data = await asyncio.wait_for(request.body(), timeout_s)
    except TimeoutError as error:
        raise Refusal(408, "the body did not come in time") from error
    except ClientDisconnect as error:
        raise Refusal(499, "the client left") from error
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"the body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Refusal(400, "the body must be a JSON object")
    return parse_body(found, kind)


def parse_body(found: Mapping[str, Any], kind: type[B]) -> B:
    """Return a decoded body, checked; see `read_body`."""
    asked = {name: value for name, value in found.items() if not _asks_for_nothing(name, value, kind)}
    try:
        return kind.model_validate(asked)
    except ValidationError as error:
        raise _refusal(error, kind) from error


def _asks_for_nothing(name: str, value: Any, kind: type[RequestBody]) -> bool:
    if name in kind.model_fields:
        return value is None and not kind.model_fields[name].is_required()
    known = NEUTRAL.get(name)
    # True equals 1, but does not mean it.
    return known is not None and (
        value is None or any(value == k and isinstance(value, bool) == isinstance(k, bool) for k in known)
    )


def _refusal(error: ValidationError, kind: type[RequestBody]) -> Refusal:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    # Where a value may have several types, the error deepest inside is the one that is meant.
    first = max(found, key=lambda one: len(one["loc"]))
    path = ".".join(str(part) for part in first["loc"] if not _is_branch(part))[:200]
    if first["type"] == "extra_forbidden":
        if len(first["loc"]) == 1:
            hint = "" if path in NEUTRAL else did_you_mean(path, kind.model_fields)
            text = f"{path!r} is not supported" + (" with this value" if path in NEUTRAL else "")
            return Refusal(400, f"{text}; {hint}" if hint else text, code="unsupported_parameter", param=path)
        return Refusal(400, f"{path!r} is not supported", code="unsupported_parameter", param=path)
    words = str(first["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    prefix = "must be " if str(first["msg"]).startswith("Input should be") else ""
    return Refusal(400, f"{path}: {prefix}{words[:1].lower()}{words[1:]}", code="invalid_value", param=path)


def _is_branch(part: int | str) -> bool:
    """Return whether a part of an error's place is only pydantic's name of one of several types."""
    return isinstance(part, str) and (part in ("str", "int") or "[" in part or part == "constrained-str")


def schema_for(kind: type[RequestBody]) -> dict[str, Any]:
    """Return what the API's description says of a body that the route reads itself."""
    schema = kind.model_json_schema()
    parts = schema.pop("$defs", {})
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _inlined(schema, parts)}}}}


def _inlined(schema: Any, parts: Mapping[str, Any]) -> Any:
    """Return a schema without references, which would point nowhere inside the API's description."""
    if isinstance(schema, list):
        return [_inlined(one, parts) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"].rpartition("/")[2]], parts)
    return {name: _inlined(value, parts) for name, value in schema.items()}
