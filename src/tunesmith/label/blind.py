"""What keeps a labeler from knowing who made a completion: letters for ids, and an order of one's own.

The order follows from the annotation task's seed, the item and the labeler, so it is the same after a reload, differs
between labelers, and is stored with each label. Nothing here hides what a text says of itself; `names_its_maker` finds
the texts that do.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from tunesmith.core.errors import DataError
from tunesmith.core.records import Completion

LETTERS = "ABCDEFGHI"
_MAKERS = re.compile(
    r"\b(?:as an? (?:ai|artificial intelligence|language) (?:language )?(?:model|assistant)|i(?:'m| am) (?:an? )?(?:ai|"
    r"chat ?gpt|gpt-?\d*|claude|gemini|llama|mistral|qwen)|(?:made|trained|developed|created) by (?:openai|anthropic|"
    r"google|meta|mistral|alibaba))\b",
    re.IGNORECASE,
)


def shown_order(completions: Sequence[Completion], *, seed: int, item_id: int, user_id: int) -> tuple[str, ...]:
    """Return the completion ids in the order in which this labeler sees them."""

    def draw(completion: Completion) -> bytes:
        return hashlib.sha256(f"shown:{seed}:{item_id}:{user_id}:{completion.id}".encode()).digest()

    return tuple(completion.id for completion in sorted(completions, key=draw))


def letters(shown: Sequence[str]) -> dict[str, str]:
    """Return each letter's completion id."""
    return dict(zip(LETTERS, shown, strict=False))


def id_of(letter: str, ids: Mapping[str, str], where: str) -> str:
    """Return the completion that a letter stands for.

    Raises:
        DataError: there is no such letter on this item.
    """
    if letter not in ids:
        raise DataError(f"there is no completion {letter!r}", where=where)
    return ids[letter]


def names_its_maker(text: str) -> bool:
    """Return whether a text tells which assistant wrote it."""
    return _MAKERS.search(text) is not None
