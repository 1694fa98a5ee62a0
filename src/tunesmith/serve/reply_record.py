"""What is known of one served reply when it is over: enough to store it and to make it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tunesmith.core.records import Message
from tunesmith.serve.served_model import Finish


class Completion(NamedTuple):
    """One choice: its text, why it ended (None: cut by a disconnect or a failure), and how many tokens it had."""

    text: str
    finish: Finish | None
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds since the request came; `first_token_s` is None where there was none."""

    first_token_s: float | None
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRecord:
    """One reply. `id` is the one the client saw (`chatcmpl-...`, `cmpl-...`); `created` is a Unix time in seconds.

    Of a plain completion with several prompts, the further ones have `-1`, `-2`, ... behind the id.

    `asked_model` is the name that the client gave, `model` and `folder` what answered, `arm` the arm of an A/B test or
    empty. `asked` is the client's last user message; `messages` are as the model read them, with what was put into the
    context, which `receipt` accounts for. They are empty for a plain completion, `prompt` (text, or token ids) is None
    for a chat. `key` is the API key's name, `user` what the client said, `metadata` too; each may be empty. The same
    `seed` and settings give the same completions.
    """

    id: str
    kind: Literal["chat", "completion"]
    created: float
    asked_model: str
    model: str
    folder: str
    messages: tuple[Message, ...]
    prompt: str | tuple[int, ...] | None
    completions: tuple[Completion, ...]
    seed: int
    temperature: float
    top_p: float
    top_k: int
    max_tokens: int | None
    stop: tuple[str, ...]
    prompt_tokens: int
    timings: Timings
    key: str
    user: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    asked: str = ""
    receipt: Mapping[str, Any] | None = None
    arm: str = ""


OnReply = Callable[[ReplyRecord], None]
"""Called in a thread of its own when a reply is over, before its last byte is sent; a failure is logged and counted."""
