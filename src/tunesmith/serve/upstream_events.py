"""What an upstream says in one chunk, as a delta."""

from __future__ import annotations

from typing import Any

from tunesmith.serve.served_model import Delta, Finish, TokenLogprob

_FINISHES: dict[str, Finish] = {"length": "length"}  # every other reason (a filter, a tool) is an end: "stop"


def delta_of(choice: dict[str, Any]) -> Delta:
    """Return a chunk's choice, of a chat or of a plain completion.

    Raises:
        KeyError, TypeError, ValueError: it is not what the protocol says.
    """
    reason = choice.get("finish_reason")
    finish = _FINISHES.get(reason, "stop") if reason else None
    text = choice["delta"].get("content") or "" if "delta" in choice else choice["text"]
    if not isinstance(text, str):
        raise TypeError("content that is not text")
    logprobs = _logprobs(choice.get("logprobs") or {})
    tokens = len(logprobs) or int(bool(text))
    return Delta(int(choice["index"]), text, tokens, logprobs, finish)


def _logprobs(found: dict[str, Any]) -> tuple[TokenLogprob, ...]:
    if "content" in found:
        return tuple(
            TokenLogprob(
                str(one["token"]),
                float(one["logprob"]),
                tuple((str(top["token"]), float(top["logprob"])) for top in one.get("top_logprobs") or ()),
            )
            for one in found["content"] or ()
        )
    tokens, values = found.get("tokens") or [], found.get("token_logprobs") or []
    tops = found.get("top_logprobs") or [{}] * len(tokens)
    return tuple(
        TokenLogprob(str(token), float(value), tuple((str(k), float(v)) for k, v in (top or {}).items()))
        for token, value, top in zip(tokens, values, tops, strict=True)
    )
