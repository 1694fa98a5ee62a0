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
)
from tunesmith.formats.convert import as_kind

Q, ANSWER = Message("user", "q"), Message("assistant", "a")
DEMO = Demonstration(messages=(Q, ANSWER), meta={"user": "u"})
PROMPT = Prompt(messages=(Q,), meta={"user": "u"})
PAIR = Comparison(messages=(Q,), chosen="a", rejected="b", meta={"labeler": "l"})
TWO = (Completion(id="a", text="a"), Completion(id="b", text="b"))
RANKING = Ranking(messages=(Q,), completions=TWO, rankings=(RankingLabel(labeler="l", order=(("a",), ("b",))),))
TIED = Ranking(messages=(Q,), completions=TWO, rankings=(RankingLabel(labeler="l", order=(("a", "b"),)),))


def test_what_can_be_read_as_what() -> None:
    assert as_kind(DEMO, "demonstration") == [DEMO]
    assert as_kind(DEMO, "prompt") == [PROMPT]
    assert as_kind(PAIR, "ranking") == [RANKING]
    assert as_kind(RANKING, "comparison") == [PAIR]
    assert as_kind(PAIR, "demonstration") == [Demonstration(messages=(Q, ANSWER), meta={"labeler": "l"})]
    assert as_kind(RANKING, "demonstration") == [Demonstration(messages=(Q, ANSWER))]
    assert as_kind(Document(text="q"), "prompt") == [Prompt(messages=(Q,))]
    assert as_kind(PROMPT, "document") == [Document(text="q", meta={"user": "u"})]


def test_nothing_is_invented() -> None:
    assert as_kind(PROMPT, "demonstration") == []
    assert as_kind(DEMO, "ranking") == []
    assert as_kind(DEMO, "document") == []
    assert as_kind(TIED, "demonstration") == []
    assert as_kind(TIED, "comparison") == []
