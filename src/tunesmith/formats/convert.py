"""One record read as another label kind, where that is possible without inventing anything."""

from __future__ import annotations

from tunesmith.core.records import (
    Comparison,
    Completion,
    Demonstration,
    Document,
    Message,
    Prompt,
    Ranking,
    RankingLabel,
    Record,
    kind_of,
)
from tunesmith.formats.comparisons import comparisons


def as_kind(record: Record, kind: str) -> list[Record]:
    """Return the record as `kind`, or nothing where it cannot be read so.

    A document is read as a prompt; a prompt of one user turn as a document; all others give up their prompt; the best
    completion is a demonstration; a ranking gives its comparisons and a comparison is a ranking of two.
    """
    if kind_of(record) == kind:
        return [record]
    match kind:
        case "document":
            return _document(record)
        case "prompt":
            return _prompt(record)
        case "demonstration":
            return [
                Demonstration(messages=(*messages, Message("assistant", text)), meta=record.meta)
                for messages, text in _best(record)
            ]
        case "comparison":
            return list(comparisons(record)) if isinstance(record, Ranking) else []
        case _:
            return _ranking(record)


def _document(record: Record) -> list[Record]:
    if isinstance(record, Prompt) and [m.role for m in record.messages] == ["user"]:
        return [Document(text=record.messages[0].content, meta=record.meta)]
    return []


def _prompt(record: Record) -> list[Record]:
    if isinstance(record, Document):
        return [Prompt(messages=(Message("user", record.text),), meta=record.meta)]
    messages = record.prompt if isinstance(record, Demonstration) else record.messages
    return [Prompt(messages=messages, meta=record.meta)]


def _best(record: Record) -> list[tuple[tuple[Message, ...], str]]:
    """Return prompt and best completion; of a ranking by its first labeler, if the first place is untied."""
    if isinstance(record, Comparison):
        return [(record.messages, record.chosen)]
    if isinstance(record, Ranking) and record.rankings and len(record.rankings[0].order[0]) == 1:
        best = record.rankings[0].order[0][0]
        return [(record.messages, c.text) for c in record.completions if c.id == best]
    return []


def _ranking(record: Record) -> list[Record]:
    if not isinstance(record, Comparison):
        return []
    meta = {key: value for key, value in record.meta.items() if key != "labeler"}
    return [
        Ranking(
            messages=record.messages,
            completions=(Completion(id="a", text=record.chosen), Completion(id="b", text=record.rejected)),
            rankings=(RankingLabel(labeler=str(record.meta.get("labeler", "")), order=(("a",), ("b",))),),
            meta=meta,
        )
    ]
