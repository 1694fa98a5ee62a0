"""What a server allows, and to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from tunesmith.core.config_schema import Strict
from tunesmith.web.hosts import LOOPBACK


class Limits(Strict):
    """Every bound of the server."""

    max_tokens: int = Field(1024, ge=1, description="longest completion, in tokens")
    n: int = Field(8, ge=1, description="completions of one request, over all its prompts")
    rows: int = Field(32, ge=1, description="completions of a model that are written together")
    queue: int = Field(128, ge=1, description="requests that may wait for a model; more are answered 503")
    open_replies: int = Field(512, ge=1, description="requests under way in all; more are answered 503")
    per_key: int = Field(32, ge=1, description="requests of one API key under way; more are answered 429")
    body_bytes: int = Field(1_000_000, ge=1, description="largest body; larger ones are answered 413")
    body_s: float = Field(30.0, gt=0, description="seconds a body may take to arrive")
    stall_s: float = Field(30.0, gt=0, description="seconds a client may not read before it is cut off")
    grace_s: float = Field(20.0, ge=0, description="seconds that running answers have after a stop signal")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """`keys` maps the SHA-256 of each API key to its name; without any, no key is asked for.

    `hosts` are the names by which the server may be called; None means any, which is only safe with keys.
    """

    limits: Limits = field(default_factory=Limits)
    keys: Mapping[str, str] = field(default_factory=dict)
    hosts: frozenset[str] | None = frozenset(LOOPBACK)
