"""What a server allows, and to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tunesmith.web.hosts import LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Every bound of the server. Sizes are bytes, times are seconds.

    `max_tokens` bounds one completion and `n` the completions of a request; `queue` the asks that wait for a model,
    `open_replies` all requests under way, `per_key` those of one key. `body_s` is the time a body may take to come,
    `stall_s` how long a client may not read before it is cut off.
    """

    max_tokens: int = 1024
    n: int = 8
    queue: int = 128
    open_replies: int = 512
    per_key: int = 32
    body_bytes: int = 1_000_000
    body_s: float = 30.0
    stall_s: float = 30.0
    grace_s: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """`keys` maps the SHA-256 of each API key to its name; without any, no key is asked for.

    `hosts` are the names by which the server may be called; None means any, which is only safe with keys.
    """

    limits: Limits = Limits()
    keys: Mapping[str, str] = field(default_factory=dict)
    hosts: frozenset[str] | None = frozenset(LOOPBACK)
