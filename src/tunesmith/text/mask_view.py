"""Show a record as the model reads it, and which of its tokens are learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tunesmith.core.records import Demonstration, Document, Record, kind_of
from tunesmith.text.chat_template import ChatTemplate, Rendered
from tunesmith.text.tokenizer import Tokenizer


class Stretch(NamedTuple):
    """Neighbouring tokens of one kind, as text. `state`: learned, read (not learned), or cut (beyond max_length)."""

    text: str
    state: str
    tokens: int


class MaskedRow(NamedTuple):
    """A record as stretches, and a line about it."""

    head: str
    stretches: list[Stretch]

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON values."""
        return {"head": self.head, "stretches": [stretch._asdict() for stretch in self.stretches]}


def masked_rows(records: Sequence[Record], template: ChatTemplate, *, n: int, max_length: int) -> list[MaskedRow]:
    """Return the first `n` records with their loss masks, as supervised fine-tuning would have them."""
    return [_row(record, template, max_length) for record in records[:n]]


def _row(record: Record, template: ChatTemplate, max_length: int) -> MaskedRow:
    if isinstance(record, Document):
        ids = template.tokenizer.encode(record.text)
        rendered = Rendered(ids, [True] * len(ids))
    elif isinstance(record, Demonstration):
        rendered = template.render(record.messages)
    else:
        return MaskedRow(f"{kind_of(record)}: not learned token by token, so it has no loss mask", [])
    total, learned = len(rendered.ids), sum(rendered.loss_mask[1:max_length])
    head = f"{kind_of(record)}: {total} tokens, {learned} learned"
    if total > max_length:
        head += f", {total - max_length} beyond max_length {max_length}: training leaves such a row out"
    return MaskedRow(head, _stretches(rendered, template.tokenizer, max_length))


def _stretches(rendered: Rendered, tokenizer: Tokenizer, max_length: int) -> list[Stretch]:
    # The first token has no predecessor, so it is never learned, whatever the mask says.
    states = [
        "cut" if i >= max_length else "learned" if learned and i > 0 else "read"
        for i, learned in enumerate(rendered.loss_mask)
    ]
    stretches, begin = [], 0
    for end in range(1, len(states) + 1):
        if end == len(states) or states[end] != states[begin]:
            stretches.append(Stretch(tokenizer.decode(rendered.ids[begin:end]), states[begin], end - begin))
            begin = end
    return stretches
