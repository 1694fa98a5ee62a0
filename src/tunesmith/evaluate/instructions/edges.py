"""Instructions about how a response begins, ends and is put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def ends_with(text: str, wanted: Mapping[str, Any]) -> bool:
    """The response ends with the phrase, whatever its case; closing quotation marks do not count."""
    return text.strip().strip('"').lower().endswith(str(wanted["end_phrase"]).strip().lower())


def quoted(text: str, wanted: Mapping[str, Any]) -> bool:
    """The whole response stands in double quotation marks."""
    bare = text.strip()
    return len(bare) > 1 and bare.startswith('"') and bare.endswith('"')


def repeats_prompt(text: str, wanted: Mapping[str, Any]) -> bool:
    """The response begins with the request, word for word."""
    return text.strip().lower().startswith(str(wanted["prompt_to_repeat"]).strip().lower())


def two_responses(text: str, wanted: Mapping[str, Any]) -> bool:
    """Two different responses, divided by six stars; nothing empty between them."""
    parts = text.split("******")
    if any(not part.strip() for part in parts[1:-1]):
        return False
    said = [part.strip() for part in parts if part.strip()]
    return len(said) == 2 and said[0] != said[1]
