"""What a data set holds, in numbers: kinds, turns, lengths, labelers, ties."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tunesmith.core.records import Comparison, Demonstration, Document, Ranking, Record, answers, kind_of

PERCENTILES = (0, 5, 25, 50, 75, 95, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Lengths in characters: how many texts, their sum, and percentiles (0 is the shortest, 100 the longest)."""

    n: int
    total: int
    percentiles: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The numbers of a data set. A mapping from numbers or names gives how many records have them.

    `turns` counts a conversation's messages, with the answer; `labelers` counts labels, not records; `pairs` are the
    comparisons and the pairs of completions in all rankings, `tied_pairs` those of them that a labeler tied.
    """

    records: int
    kinds: Mapping[str, int]
    turns: Mapping[int, int] = field(default_factory=dict)
    completions: Mapping[int, int] = field(default_factory=dict)
    prompt_characters: Lengths
    completion_characters: Lengths
    labelers: Mapping[str, int] = field(default_factory=dict)
    pairs: int = 0
    tied_pairs: int = 0
    users: int = 0
    meta_fields: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Tally:
    """The counters behind a summary, filled record by record."""

    kinds: Counter[str] = field(default_factory=Counter)
    turns: Counter[int] = field(default_factory=Counter)
    completions: Counter[int] = field(default_factory=Counter)
    labelers: Counter[str] = field(default_factory=Counter)
    meta_fields: Counter[str] = field(default_factory=Counter)
    users: set[str] = field(default_factory=set)
    prompts: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    pairs: int = 0
    tied_pairs: int = 0

    def add(self, record: Record) -> None:
        self.kinds[kind_of(record)] += 1
        self.meta_fields.update(record.meta.keys())
        if record.meta.get("user"):
            self.users.add(str(record.meta["user"]))
        texts = answers(record)
        self.answers += [len(text) for text in texts]
        if not isinstance(record, Document):
            messages = record.prompt if isinstance(record, Demonstration) else record.messages
            self.prompts.append(sum(len(message.content) for message in messages))
            self.turns[len(messages) + bool(texts)] += 1
        if isinstance(record, Ranking):
            self.add_labels(record)
        elif isinstance(record, Comparison):
            self.pairs += 1
            self.labelers.update([str(record.meta["labeler"])] if record.meta.get("labeler") else [])

    def add_labels(self, record: Ranking) -> None:
        self.completions[len(record.completions)] += 1
        for label in record.rankings:
            self.labelers[label.labeler] += 1
            self.pairs += math.comb(sum(len(group) for group in label.order), 2)
            self.tied_pairs += sum(math.comb(len(group), 2) for group in label.order)


def describe(records: Iterable[Record]) -> Summary:
    """Return the summary. A document's text counts as a completion; a prompt's length is that of all its messages."""
    tally = _Tally()
    for record in records:
        tally.add(record)
    return Summary(
        records=tally.kinds.total(),
        kinds=dict(sorted(tally.kinds.items())),
        turns=dict(sorted(tally.turns.items())),
        completions=dict(sorted(tally.completions.items())),
        prompt_characters=_lengths(tally.prompts),
        completion_characters=_lengths(tally.answers),
        labelers=dict(tally.labelers.most_common()),
        pairs=tally.pairs,
        tied_pairs=tally.tied_pairs,
        users=len(tally.users),
        meta_fields=dict(tally.meta_fields.most_common()),
    )


def _lengths(values: Sequence[int]) -> Lengths:
    """Return the lengths' distribution by the nearest-rank rule: every percentile is a length that occurs."""
    ordered = sorted(values)
    percentiles = {p: ordered[max(math.ceil(p / 100 * len(ordered)) - 1, 0)] for p in PERCENTILES} if ordered else {}
    return Lengths(n=len(ordered), total=sum(ordered), percentiles=percentiles)
