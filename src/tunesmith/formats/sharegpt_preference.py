"""LLaMA-Factory's preference form: a ShareGPT conversation with a `chosen` and a `rejected` answer object."""

from __future__ import annotations

from tunesmith.core.records import Comparison, Record
from tunesmith.formats.dumped import Dumped, lost_meta, pairs_of
from tunesmith.formats.fields import JsonRow, answer_of, extras, first_of, turns
from tunesmith.formats.sharegpt import SPEAKERS, with_system

NAME = "sharegpt-preference"
_NAMES = ("conversations", "conversation")


def sniff(row: JsonRow) -> bool:
    """Say whether the row has a conversation and two answers to it."""
    return bool(first_of(row, _NAMES)) and "chosen" in row and "rejected" in row


def parse(row: JsonRow) -> list[Record]:
    """Return the comparison.

    Raises:
        DataError: a turn is wrong, or an answer is not one assistant turn.
    """
    name = first_of(row, _NAMES) or "conversations"
    chat = with_system(row, turns(row.get(name), name))
    chosen, rejected = answer_of(row.get("chosen"), "chosen"), answer_of(row.get("rejected"), "rejected")
    meta = chat.meta(extras(row, {name, "chosen", "rejected", "system"}))
    return [Comparison(messages=chat.messages, chosen=chosen, rejected=rejected, meta=meta)]


def dump(record: Record) -> Dumped:
    """Return a comparison, or all comparisons of a ranking."""
    pairs, lost = pairs_of(record)
    rows = [
        {
            "conversations": [{"from": SPEAKERS[m.role], "value": m.content} for m in pair.messages],
            "chosen": {"from": "gpt", "value": pair.chosen},
            "rejected": {"from": "gpt", "value": pair.rejected},
        }
        for pair in pairs
    ]
    return Dumped(rows, lost + (lost_meta(record) if rows else ()))
