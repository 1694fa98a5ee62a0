from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tunesmith.core.records import Demonstration, Prompt, Ranking
from tunesmith.formats import oasst, read

Put = Callable[[str, bytes | str], Path]


def node(text: str, role: str, replies: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    return {"text": text, "role": role, "replies": replies or [], **fields}


TREE = {
    "message_tree_id": "t",
    "prompt": node(
        "root",
        "prompter",
        [
            node("worse", "assistant", rank=1),
            node(
                "best",
                "assistant",
                [node("more?", "prompter", [node("u", "assistant", rank=0), node("v", "assistant", rank=0)])],
                rank=0,
            ),
            node("gone", "assistant", rank=2, deleted=True),
            node("turned down", "assistant", review_result=False),
        ],
    ),
}


def test_a_tree_gives_the_best_first_answer_and_every_ranked_set() -> None:
    demo, first, second = oasst.parse(TREE)
    assert isinstance(demo, Demonstration) and [m.content for m in demo.messages] == ["root", "best"]
    assert isinstance(first, Ranking) and isinstance(second, Ranking)
    assert [c.text for c in first.completions] == ["worse", "best"]
    assert first.rankings[0].order == (("b",), ("a",))
    assert [m.content for m in second.messages] == ["root", "best", "more?"]
    assert second.rankings[0].order == (("a", "b"),)
    assert {record.meta["family"] for record in (demo, first, second)} == {"t"}


def test_unranked_replies_are_all_demonstrations_and_none_is_a_prompt() -> None:
    tree = {"prompt": node("root", "prompter", [node("x", "assistant"), node("y", "assistant")])}
    assert [type(record) for record in oasst.parse(tree)] == [Demonstration, Demonstration]
    assert [type(record) for record in oasst.parse({"prompt": node("root", "prompter")})] == [Prompt]


def test_flat_messages_are_put_together_and_orphans_named(put: Put) -> None:
    rows = [
        {"message_id": "2", "parent_id": "1", "text": "b", "role": "assistant", "rank": 1},
        {"message_id": "1", "parent_id": None, "text": "a", "role": "prompter"},
        {"message_id": "3", "parent_id": "1", "text": "c", "role": "assistant", "rank": 0},
        {"message_id": "4", "parent_id": "9", "text": "d", "role": "prompter"},
        {"message_id": "1", "parent_id": None, "text": "again", "role": "prompter"},
        {"message_id": "7", "parent_id": "7", "text": "its own parent", "role": "prompter"},
    ]
    result = read(put("x.jsonl", "\n".join(map(json.dumps, rows))))
    assert result.format == "oasst"
    assert [type(record) for record in result.records] == [Demonstration, Ranking]
    assert sorted((bad.line, bad.field) for bad in result.quarantined) == [
        (4, "parent_id"),
        (5, "message_id"),
        (6, "parent_id"),
    ]


def test_one_bad_ranking_leaves_the_others_of_its_tree(put: Put) -> None:
    tree = {"prompt": node("root", "prompter", [node("best", "assistant", rank=0), node(" ", "assistant", rank=1)])}
    result = read(put("x.jsonl", json.dumps(tree)))
    assert [type(record) for record in result.records] == [Demonstration]
    assert [(bad.field, bad.reason) for bad in result.quarantined] == [("completions[1].text", "is empty")]
