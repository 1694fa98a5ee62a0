"""The desk's task families and how often each is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tunesmith.desk.draft import Maker
from tunesmith.desk.tasks import (
    action_items,
    brainstorming,
    chat,
    classification,
    closed_qa,
    convert,
    extraction,
    generation,
    open_qa,
    other,
    restore_punctuation,
    rewrite,
    summarisation,
)


class Family(NamedTuple):
    """A task's share of all draws (relative) and its scenarios."""

    weight: float
    scenarios: Mapping[str, Maker]


FAMILIES: Mapping[str, Family] = {
    "generation": Family(1.2, generation.SCENARIOS),
    "open_qa": Family(1.8, open_qa.SCENARIOS),
    "brainstorming": Family(0.8, brainstorming.SCENARIOS),
    "chat": Family(1.4, chat.SCENARIOS),
    "rewrite": Family(1.0, rewrite.SCENARIOS),
    "summarisation": Family(0.8, summarisation.SCENARIOS),
    "classification": Family(1.0, classification.SCENARIOS),
    "closed_qa": Family(1.4, closed_qa.SCENARIOS),
    "extraction": Family(1.0, extraction.SCENARIOS),
    "other": Family(0.8, other.SCENARIOS),
    "restore_punctuation": Family(0.8, restore_punctuation.SCENARIOS),
    "convert": Family(0.8, convert.SCENARIOS),
    "action_items": Family(0.8, action_items.SCENARIOS),
}
