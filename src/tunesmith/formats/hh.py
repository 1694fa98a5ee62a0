"""HH-RLHF (Bai et al., arXiv 2204.05862): whole transcripts with the roles inside the text.

The marker splits a text wherever it stands; a user who typed it cannot be told from a turn. Chosen and rejected share
everything up to the last assistant turn.
"""

from __future__ import annotations

import re

from tunesmith.core.errors import DataError
from tunesmith.core.reading_records import text_field
from tunesmith.core.records import Comparison, Message, Record, Role
from tunesmith.formats.dumped import Dumped, lost_meta, pairs_of
from tunesmith.formats.fields import JsonRow, extras

NAME = "hh-rlhf"
_MARKER = re.compile(r"(?:^|\n\n)(Human|Assistant):")
_ROLES: dict[str, Role] = {"Human": "user", "Assistant": "assistant"}


def sniff(row: JsonRow) -> bool:
    """Say whether chosen and rejected are transcripts."""
    texts = (row.get("chosen"), row.get("rejected"))
    return all(isinstance(text, str) and re.match(r"\s*Human:", text) for text in texts)


def parse(row: JsonRow) -> list[Record]:
    """Return the comparison; one blank behind each marker belongs to the marker.

    Raises:
        DataError: a text does not begin with a human turn or end with an assistant turn, or the two differ before it.
    """
    chosen = transcript(text_field(row, "chosen"), "chosen")
    rejected = transcript(text_field(row, "rejected"), "rejected")
    if chosen[:-1] != rejected[:-1]:
        raise DataError("does not share the turns before the last one with chosen", where="rejected")
    return [
        Comparison(
            messages=chosen[:-1],
            chosen=chosen[-1].content,
            rejected=rejected[-1].content,
            meta=extras(row, {"chosen", "rejected"}),
        )
    ]


def transcript(text: str, where: str) -> tuple[Message, ...]:
    """Return the turns of one transcript.

    Raises:
        DataError: there is text before the first marker, or the last turn is not the assistant's.
    """
    parts = _MARKER.split(text.lstrip())
    if parts[0].strip() or len(parts) < 3:
        raise DataError('must begin with "Human:"', where=where)
    messages = tuple(
        Message(_ROLES[name], body.removeprefix(" ")) for name, body in zip(parts[1::2], parts[2::2], strict=True)
    )
    if messages[-1].role != "assistant":
        raise DataError("must end with an assistant turn", where=where)
    return messages


def dump(record: Record) -> Dumped:
    """Return comparisons as transcripts; a system turn, a tool turn or a marker inside a text has no place in them."""
    pairs, lost = pairs_of(record)
    rows = []
    for pair in pairs:
        texts = {
            name: _text(pair.messages, answer)
            for name, answer in (("chosen", pair.chosen), ("rejected", pair.rejected))
        }
        if any(text is None for text in texts.values()):
            return Dumped([])
        rows.append(texts)
    return Dumped(rows, lost + (lost_meta(record) if rows else ()))


def _text(messages: tuple[Message, ...], answer: str) -> str | None:
    turns = (*messages, Message("assistant", answer))
    names = {role: name for name, role in _ROLES.items()}
    text = "".join(f"\n\n{names.get(turn.role, '')}: {turn.content}" for turn in turns)
    try:
        return text if transcript(text, "") == turns else None
    except DataError:
        return None
