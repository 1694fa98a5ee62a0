from __future__ import annotations

import pytest

from tunesmith.core.records import Document
from tunesmith.make.synthesize.evolve import evolve

from ..rows import demo

OLD = demo("Name a river in Europe.", "The Rhine.", task="open_qa", user="u1")


def answers(harder: str, answer: str = "The Volga, because it is long.") -> object:
    return lambda text: harder if text.startswith("Rewrite the request") else answer


def test_a_chain_of_steps() -> None:
    texts = iter(
        ["Name a river in Europe longer than 1000 km.", "A1", "Name two such rivers and compare their sources.", "A2"]
    )
    made = evolve(lambda _: next(texts), [OLD, Document(text="x")], depth=2, seed=0, teacher="t")
    assert [(r.messages[0].content, r.completion) for r in made.records] == [
        ("Name a river in Europe longer than 1000 km.", "A1"),
        ("Name two such rivers and compare their sources.", "A2"),
    ]
    assert made.left_out == {"not a single question": 1}
    origin = made.records[1].meta["synthesized"]
    assert origin["step"] == 2 and origin["teacher"] == "t" and made.records[1].meta["split_keys"] == ["user:u1"]


@pytest.mark.parametrize(
    ("harder", "answer", "reason"),
    [
        ("", "x", "no new prompt"),
        ("Name a river in Europe!", "x", "no gain over the old prompt"),
        ("The rewritten prompt: name two rivers.", "x", "the new prompt talks about prompts"),
        ("I'm sorry, but I can't do that.", "x", "the teacher declined to rewrite"),
        ("word " * 60, "x", "much longer than asked"),
        ("Name two rivers in Asia and say why.", "The.", "an answer without content"),
        ("Name two rivers in Asia and say why.", "I cannot help with that.", "the teacher declined to answer"),
    ],
)
def test_what_is_eliminated(harder: str, answer: str, reason: str) -> None:
    made = evolve(answers(harder, answer), [OLD], depth=3, seed=0, teacher="t")  # type: ignore[arg-type]
    assert not made.records and made.left_out == {reason: 1}
