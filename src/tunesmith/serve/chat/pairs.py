"""Side by side: which model is shown first follows from the pair's random name, so a reload shows the same order."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.store.conversation.replies import Reply


class Pair(NamedTuple):
    """A new pair, and its models in the order in which they are shown."""

    id: str
    models: list[str]


def draw(models: Sequence[str]) -> Pair:
    """Return a new pair of two models in random order.

    Raises:
        DataError: these are not two different models.
    """
    if len(models) != 2 or models[0] == models[1]:
        raise DataError("name two different models", where="models")
    name = f"pair-{secrets.token_hex(8)}"
    return Pair(name, sorted(models, key=lambda model: _place(name, model)))


def in_shown_order(replies: Iterable[Reply]) -> list[Reply]:
    """Return replies with the two of each pair in the order in which they are shown; all else as it was."""
    listed = list(replies)
    first_of: dict[str, int] = {}
    for index, reply in enumerate(listed):
        first_of.setdefault(reply.pair_id or reply.id, index)

    def place(reply: Reply) -> tuple[int, bytes]:
        return first_of[reply.pair_id or reply.id], _place(reply.pair_id or "", reply.model)

    return sorted(listed, key=place)


def _place(pair_id: str, model: str) -> bytes:
    return hashlib.sha256(f"{pair_id}:{model}".encode()).digest()
