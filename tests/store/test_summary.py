from __future__ import annotations

from dataclasses import asdict

import orjson

from tunesmith.core.records import (
    Comparison,
    Completion,
    Demonstration,
    Document,
    Message,
    Prompt,
    Ranking,
    RankingLabel,
)
from tunesmith.store.summary import describe

Q = Message("user", "12345")


def test_every_number_by_hand() -> None:
    ranking = Ranking(
        messages=(Q,),
        completions=tuple(Completion(id=i, text=i) for i in "abcd"),
        rankings=(
            RankingLabel(labeler="l1", order=(("a",), ("b", "c", "d"))),
            RankingLabel(labeler="l2", order=(("a",), ("b",))),
        ),
        meta={"user": "u1"},
    )
    summary = describe(
        [
            ranking,
            Demonstration(messages=(Q, Message("assistant", "x" * 10)), meta={"user": "u1"}),
            Prompt(messages=(Message("system", "s"), Q), meta={"user": "u2"}),
            Comparison(messages=(Q,), chosen="good", rejected="bad", meta={"labeler": "l1"}),
            Document(text="t" * 100),
        ]
    )
    assert summary.records == 5 and set(summary.kinds.values()) == {1}
    assert summary.turns == {2: 4}
    assert summary.completions == {4: 1}
    assert summary.labelers == {"l1": 2, "l2": 1}
    # Pairs: C(4,2) + C(2,2) + the comparison; three of the first six are ties.
    assert (summary.pairs, summary.tied_pairs, summary.users) == (8, 3, 2)
    assert summary.prompt_characters.n == 4 and summary.prompt_characters.total == 21
    lengths = summary.completion_characters
    assert (lengths.n, lengths.percentiles[0], lengths.percentiles[50], lengths.percentiles[100]) == (8, 1, 1, 100)
    assert summary.meta_fields == {"user": 3, "labeler": 1}


def test_no_records_and_json() -> None:
    summary = describe([])
    assert summary.records == 0 and summary.prompt_characters.percentiles == {}
    assert orjson.loads(orjson.dumps(asdict(summary), option=orjson.OPT_NON_STR_KEYS))["records"] == 0
