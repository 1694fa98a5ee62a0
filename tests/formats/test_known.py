"""One row of every format: it is recognised as that format and gives the expected record."""

from __future__ import annotations

from typing import Any

import pytest

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
)
from tunesmith.formats.detection import format_of
from tunesmith.formats.known import ASSEMBLERS, DUMPS, FORMATS

U, A, S = (lambda text, role=role: Message(role, text) for role in ("user", "assistant", "system"))  # type: ignore[misc]
DEMO = Demonstration(messages=(U("q"), A("a")))
PAIR = Comparison(messages=(U("q"),), chosen="good", rejected="bad")
CHAT = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
RANKING_ROW = {
    "messages": [{"role": "user", "content": "q"}],
    "completions": [{"id": "a", "text": "x", "model": "m"}, {"id": "b", "text": "y"}, {"id": "c", "text": "z"}],
    "rankings": [{"labeler": "l1", "order": [["a"], ["b", "c"]], "ratings": {"a": 7}, "flags": {"b": ["toxic"]}}],
}
RANKING = Ranking(
    messages=(U("q"),),
    completions=(
        Completion(id="a", text="x", model="m"),
        Completion(id="b", text="y"),
        Completion(id="c", text="z"),
    ),
    rankings=(RankingLabel(labeler="l1", order=(("a",), ("b", "c")), ratings={"a": 7}, flags={"b": ("toxic",)}),),
)

ROWS: list[tuple[str, dict[str, Any], list[Record]]] = [
    ("records", {"kind": "document", "text": "t", "meta": {"user": "u"}}, [Document(text="t", meta={"user": "u"})]),
    ("records", {"kind": "ranking", **RANKING_ROW}, [RANKING]),
    ("ranking", RANKING_ROW, [RANKING]),
    (
        "openai-preference",
        {
            "input": {"messages": [{"role": "user", "content": "q"}], "tools": []},
            "preferred_output": [{"role": "assistant", "content": "good"}],
            "non_preferred_output": [{"role": "assistant", "content": "bad"}],
        },
        [PAIR],
    ),
    ("openai-chat", {"messages": CHAT}, [DEMO]),
    ("openai-chat", {"messages": CHAT[:1]}, [Prompt(messages=(U("q"),))]),
    (
        "openai-chat",
        {"messages": [{"role": "developer", "content": [{"type": "text", "text": "be "}, {"text": "kind"}]}, *CHAT]},
        [Demonstration(messages=(S("be kind"), U("q"), A("a")))],
    ),
    (
        "openai-chat",
        {"messages": [CHAT[0], {**CHAT[1], "weight": 0}], "source": "x"},
        [Demonstration(messages=(U("q"), A("a")), meta={"source": "x", "message_fields": [{}, {"weight": 0}]})],
    ),
    ("alpaca", {"instruction": "q", "input": "", "output": "a"}, [DEMO]),
    (
        "alpaca",
        {"instruction": "q", "input": "more", "output": "a", "system": "s", "history": [["h", "i"]]},
        [Demonstration(messages=(S("s"), U("h"), A("i"), U("q\n\nmore"), A("a")))],
    ),
    (
        "alpaca",
        {"instruction": "q", "context": "c", "response": "a", "category": "open_qa"},
        [Demonstration(messages=(U("q\n\nc"), A("a")), meta={"category": "open_qa"})],
    ),
    ("sharegpt", {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}, [DEMO]),
    (
        "sharegpt",
        {
            "system": "s",
            "conversations": [
                {"from": "human", "value": "q"},
                {"from": "function_call", "value": "f()"},
                {"from": "observation", "value": "1"},
                {"from": "gpt", "value": "a"},
            ],
        },
        [Demonstration(messages=(S("s"), U("q"), A("f()"), Message("tool", "1"), A("a")))],
    ),
    (
        "sharegpt",
        {"id": "1", "turns": [["user", "q"], ["assistant", "a"]]},
        [Demonstration(messages=(U("q"), A("a")), meta={"id": "1"})],
    ),
    (
        "sharegpt-preference",
        {
            "conversations": [{"from": "human", "value": "q"}],
            "chosen": {"from": "gpt", "value": "good"},
            "rejected": {"from": "gpt", "value": "bad"},
        },
        [PAIR],
    ),
    ("hh-rlhf", {"chosen": "\n\nHuman: q\n\nAssistant: good", "rejected": "\n\nHuman: q\n\nAssistant: bad"}, [PAIR]),
    ("trl-preference", {"prompt": "q", "chosen": "good", "rejected": "bad"}, [PAIR]),
    ("trl-preference", {"question": "q", "system": "", "chosen": "good", "rejected": "bad"}, [PAIR]),
    (
        "kto",
        {"prompt": "q", "completion": "a", "label": True},
        [Demonstration(messages=(U("q"), A("a")), meta={"desirable": True})],
    ),
    ("kto", {"messages": CHAT, "label": False}, [Prompt(messages=(U("q"),), meta={"undesirable": "a"})]),
    ("trl-prompt-completion", {"prompt": "q", "completion": "a"}, [DEMO]),
    ("trl-prompt-completion", {"prompt": CHAT[:1], "completion": CHAT[1:]}, [DEMO]),
    ("trl-prompt-only", {"prompt": "q"}, [Prompt(messages=(U("q"),))]),
    ("trl-prompt-only", {"prompt": CHAT[:1], "act": "x"}, [Prompt(messages=(U("q"),), meta={"act": "x"})]),
    ("trl-text", {"text": "t", "label": 3}, [Document(text="t", meta={"label": 3})]),
    ("question-answer", {"question": "q", "answer": "a"}, [DEMO]),
    (
        "question-answer",
        {"question": "q", "best_answer": "a", "type": "x"},
        [Demonstration(messages=(U("q"), A("a")), meta={"type": "x"})],
    ),
    (
        "self-instruct",
        {"id": "s0", "instruction": "do", "instances": [{"input": "", "output": "a"}, {"input": "i", "output": "b"}]},
        [
            Demonstration(messages=(U("do"), A("a")), meta={"id": "s0", "family": "s0"}),
            Demonstration(messages=(U("do\n\ni"), A("b")), meta={"id": "s0", "family": "s0"}),
        ],
    ),
    (
        "super-ni",
        {"definition": "d", "input": "i", "output": ["a", "b"]},
        [Demonstration(messages=(U("d\n\ni"), A("a")), meta={"references": ["b"]})],
    ),
    (
        "super-ni",
        {"Definition": ["d"], "Instances": [{"id": "1", "input": "i", "output": ["a"]}]},
        [Demonstration(messages=(U("d\n\ni"), A("a")), meta={"id": "1"})],
    ),
    (
        "pandalm",
        {
            "instruction": "q",
            "input": "",
            "response1": "x",
            "response2": "y",
            "annotator1": 1,
            "annotator2": 0,
            "cmp_key": "m_n",
        },
        [
            Ranking(
                messages=(U("q"),),
                completions=(Completion(id="1", text="x", model="m"), Completion(id="2", text="y", model="n")),
                rankings=(
                    RankingLabel(labeler="annotator1", order=(("1",), ("2",))),
                    RankingLabel(labeler="annotator2", order=(("1", "2"),)),
                ),
                meta={"cmp_key": "m_n"},
            )
        ],
    ),
]


@pytest.mark.parametrize(("name", "row", "expected"), ROWS, ids=[f"{i}-{name}" for i, (name, _, _) in enumerate(ROWS)])
def test_one_row_of_each_format(name: str, row: dict[str, Any], expected: list[Record]) -> None:
    assert format_of(row) == name
    assert FORMATS[name].parse(row) == expected


def test_every_format_has_an_example_here_or_its_own_test() -> None:
    own_test = {"oasst", "ultrafeedback"}
    assert {name for name, _, _ in ROWS} | own_test == set(FORMATS)
    assert set(ASSEMBLERS) | set(DUMPS) <= set(FORMATS)


def test_names_are_their_keys() -> None:
    assert all(name == module.NAME for name, module in FORMATS.items())
