"""What a task is: items with one request each, and how a model must be asked so that numbers are comparable.

A task knows nothing of models; `evaluate/asking.py` puts its requests to one, a scorer reads the responses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tunesmith.core.records import Message
from tunesmith.evaluate.scorer import Scorer

Form = Literal["chat", "plain"]


class Choices(NamedTuple):
    """Ask how likely each continuation is after the context. An empty context stands for the start of a text."""

    context: str
    continuations: tuple[str, ...]


class Ask(NamedTuple):
    """Ask for completions. `plain` is the text that a model without a chat template continues."""

    messages: tuple[Message, ...]
    plain: str


class Item(NamedTuple):
    """One unit of a task. `key` is unique in it; items with the same `cluster` are correlated; `target` is JSON.

    `groups` names what results are also broken down by, such as {"category": "Health"}.
    """

    key: str
    cluster: str
    request: Choices | Ask
    target: Any
    groups: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How completions are drawn. `stop`: the completion ends before the first of these texts.

    `form` "plain" means that the protocol prescribes the text, so chat models are given it too. `completions` is how
    many are drawn of one prompt.
    """

    form: Form = "chat"
    max_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    completions: int = 1
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Items of one suite with their scorer. `file_sha256` says which version of the data was read.

    `left_out` says why rows of the file are no items. `condition` is InstructGPT's prompt condition. `version` changes
    when the protocol or a primary measure does.
    """

    name: str
    version: int
    source: str
    items: tuple[Item, ...]
    scorer: Scorer
    protocol: Protocol = Protocol()
    file: str = ""
    file_sha256: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)
    condition: str = "none"
    notes: tuple[str, ...] = ()
