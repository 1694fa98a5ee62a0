"""OpenAssistant (arXiv 2304.07327): conversation trees in which people ranked the sibling replies.

From each tree: the first prompt with its best reply as a demonstration (with every reply where none is ranked), and a
ranking for each prompt that has two ranked replies or more. Messages that were deleted, or that the reviewers turned
down, are not part of the tree. The flat form (one message per row with its parent) is first put together.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.core.reading_records import text_field
from tunesmith.core.records import Completion, Demonstration, Message, Prompt, Ranking, RankingLabel, Record
from tunesmith.formats.fields import JsonRow, role_of
from tunesmith.formats.rows import BadRow, Row, RowStream
from tunesmith.formats.ultrafeedback import letter, order_by

NAME = "oasst"
_TREE = "message_tree_id"


class _Place(NamedTuple):
    node: JsonRow
    path: tuple[Message, ...]


def sniff(row: JsonRow) -> bool:
    """Say whether the row is a tree, or a message with the id of its parent."""
    return is_tree(row) or is_message(row)


def is_tree(row: JsonRow) -> bool:
    """Say whether the row is a whole tree."""
    return isinstance(row.get("prompt"), dict) and isinstance(row["prompt"].get("replies"), list)


def is_message(row: JsonRow) -> bool:
    """Say whether the row is one message of a tree."""
    return {"text", "role"} <= row.keys() and ("parent_id" in row or "parent_message_id" in row)


def parse(row: JsonRow) -> list[Record]:
    """Return the demonstrations and rankings of one tree; all share `family`.

    Raises:
        DataError: a message without text, with an unknown role, or with a rank that is not a number.
    """
    root = row.get("prompt")
    if not isinstance(root, dict):
        raise DataError("must be the first message of the tree", where="prompt")
    family = str(row.get(_TREE) or root.get("message_id") or "")
    meta = {"source": "oasst"} | ({"family": family} if family else {})
    records = _root_records(root, meta)
    for place in _prompts(root):
        replies = _ranked(place.node)
        if len(replies) >= 2:
            records.append(_ranking(place, replies, meta))
    return records


def _message(node: JsonRow) -> Message:
    return Message(role_of(node.get("role"), "role"), text_field(node, "text"))


def _replies(node: JsonRow) -> list[JsonRow]:
    replies = node.get("replies") or []
    if not isinstance(replies, list) or not all(isinstance(reply, dict) for reply in replies):
        raise DataError("must be a list of messages", where="replies")
    return [reply for reply in replies if not reply.get("deleted") and reply.get("review_result") is not False]


def _ranked(node: JsonRow) -> list[JsonRow]:
    found = []
    for reply in _replies(node):
        rank = reply.get("rank")
        if rank is None:
            continue
        if isinstance(rank, bool) or not isinstance(rank, int | float) or rank != rank:
            raise DataError(f"must be a number, not {str(rank)[:40]}", where="rank")
        found.append(reply)
    return found


def _prompts(root: JsonRow) -> Iterator[_Place]:
    """Yield every user message with the conversation up to and including it, parents first."""
    waiting = [_Place(root, ())]
    while waiting:
        node, path = waiting.pop()
        message = _message(node)
        path = (*path, message)
        if message.role == "user":
            yield _Place(node, path)
        waiting += [_Place(reply, path) for reply in reversed(_replies(node))]


def _root_records(root: JsonRow, meta: dict[str, Any]) -> list[Record]:
    asked = _message(root)
    replies = [reply for reply in _replies(root) if _message(reply).role == "assistant"]
    ranked = [reply for reply in _ranked(root) if reply in replies]
    best = [min(ranked, key=lambda reply: reply["rank"])] if ranked else replies
    if not best:
        return [Prompt(messages=(asked,), meta=meta)]
    return [Demonstration(messages=(asked, _message(reply)), meta=meta) for reply in best]


def _ranking(place: _Place, replies: list[JsonRow], meta: dict[str, Any]) -> Ranking:
    completions = tuple(
        Completion(id=letter(i), text=text_field(reply, "text"), model=str(reply.get("model_name") or ""))
        for i, reply in enumerate(replies)
    )
    # Rank 0 is the best.
    order = order_by({letter(i): -float(reply["rank"]) for i, reply in enumerate(replies)})
    label = RankingLabel(labeler="oasst", order=order)
    return Ranking(messages=place.path, completions=completions, rankings=(label,), meta=meta)


def assemble(rows: RowStream, path: Path) -> RowStream:
    """Yield trees; rows of the flat form are collected until the end of the file and put together by parent."""
    nodes: dict[str, Row] = {}
    for row in rows:
        if isinstance(row, BadRow) or not is_message(row.value):
            yield row
            continue
        name = row.value.get("message_id") or row.value.get("user_message_id")
        if not isinstance(name, str) or name in nodes:
            reason = "two messages have the same id" if isinstance(name, str) else "must be text"
            yield BadRow(row.line, "message_id", reason, row.raw)
            continue
        nodes[name] = Row(row.line, {**row.value, "replies": []}, row.raw)
    yield from _trees(nodes)


def _trees(nodes: dict[str, Row]) -> RowStream:
    """Yield the roots as trees, in file order, and messages that hang from no root as bad rows."""
    children: dict[str, list[str]] = {}
    roots: list[str] = []
    for name, row in nodes.items():
        parent = row.value.get("parent_id") or row.value.get("parent_message_id")
        if parent is None:
            roots.append(name)
        else:
            children.setdefault(str(parent), []).append(name)
    reached: set[str] = set()
    for root in roots:
        waiting = [root]
        while waiting:
            name = waiting.pop()
            reached.add(name)
            for child in children.get(name, []):
                nodes[name].value["replies"].append(nodes[child].value)
                waiting.append(child)
        yield Row(nodes[root].line, {_TREE: root, "prompt": nodes[root].value}, nodes[root].raw)
    for name, row in nodes.items():
        if name not in reached:
            yield BadRow(row.line, "parent_id", "the message's parent is not in the file", row.raw)
