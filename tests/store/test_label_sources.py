from __future__ import annotations

from tunesmith.core.records import Comparison, Completion, Demonstration, Message, Prompt, Ranking, RankingLabel
from tunesmith.store.label_sources import label_sources

ASKED = (Message("user", "Hi?"),)


def test_labelers_are_counted_by_label_and_replies_named_once() -> None:
    two = (Completion(id="a", text="x"), Completion(id="b", text="y"))
    labels = tuple(RankingLabel(labeler=name, order=(("a",), ("b",))) for name in ("ann", "bob", "ann"))
    records = [
        Ranking(messages=ASKED, completions=two, rankings=labels, meta={"replies": ["r2", "r1"]}),
        Comparison(messages=ASKED, chosen="x", rejected="y", meta={"labeler": "bob", "replies": ["r1"]}),
        Demonstration(messages=(*ASKED, Message("assistant", "x")), meta={"labeler": "cy"}),
        Prompt(messages=ASKED),
    ]
    assert label_sources(records) == {"labelers": {"ann": 2, "bob": 2, "cy": 1}, "replies": ["r1", "r2"]}
    assert label_sources(records[3:]) == {}
