"""What a teacher is: something that answers prompts. Endpoints and local models are both one.

`make` knows no network weights: a recipe wires a model folder to this protocol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Protocol

from tunesmith.core.records import Message

Finish = Literal["stop", "length", "filtered", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How the teacher decodes. `max_tokens` bounds one answer."""

    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 512
    seed: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON."""
        return asdict(self)


class Reply(NamedTuple):
    """One answer; `tokens` counts prompt and answer as the teacher counts them, 0 where it does not say."""

    text: str
    finish: Finish
    tokens: int


class Teacher(Protocol):
    """Answers prompts. Must be safe to call from several threads if `concurrency` is above 1."""

    name: str
    """What provenance calls it: the model's name at its address, never a key."""

    def reply(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        """Return one answer.

        Raises:
            TeacherError: there is none, after all retries.
        """
        ...


class TeacherError(Exception):
    """A request that stays without an answer. `fatal`: the next one would fail in the same way."""

    def __init__(self, reason: str, *, fatal: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fatal = fatal


def provenance(teacher: Teacher, decoding: Decoding, time: str) -> Mapping[str, Any]:
    """Return what a record's meta says about the answer's origin; `time` is ISO 8601, UTC."""
    return {"teacher": teacher.name, "decoding": decoding.to_json(), "time": time}
