"""SQuAD 2.0 (Rajpurkar, Jia, Liang 2018, arXiv 1806.03822): answer from a paragraph, or say that it does not tell.

Zero-shot with InstructGPT's instruction (appendix D): the words for "no answer" are "Not in background."
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from tunesmith.core.errors import DataError
from tunesmith.core.records import Message
from tunesmith.evaluate.scorers.squad import SquadAnswers
from tunesmith.evaluate.suites.suite import Row, Suite, SuiteOptions, drawn, file_hash
from tunesmith.evaluate.task import Ask, Item, Protocol, Task

INSTRUCTION = (
    "Answer each question using information in the preceding background paragraph. If there is not enough "
    'information provided, answer with "Not in background."'
)


def load(path: Path, options: SuiteOptions) -> Task:
    """Return the task; a paragraph's questions are one cluster."""
    try:
        body = orjson.loads(path.read_bytes())
        items = list(_items(body["data"]))
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise DataError("not SQuAD 2.0's JSON", where=str(path), why=repr(error)) from error
    task = Task(
        name="squad2",
        version=1,
        source="Rajpurkar et al. 2018, arXiv 1806.03822; prompt of Ouyang et al. 2022, appendix D",
        items=tuple(items),
        scorer=SquadAnswers(),
        protocol=Protocol(max_tokens=32, stop=("\n",)),
        file=path.name,
        file_sha256=file_hash(path),
    )
    return drawn(task, options)


def _items(articles: list[dict[str, Any]]) -> Iterator[Item]:
    for article in articles:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield _item(article["title"], paragraph["context"], question)


def _item(title: str, context: str, question: dict[str, Any]) -> Item:
    answers = list(dict.fromkeys(answer["text"] for answer in question["answers"]))
    kind = "unanswerable" if question["is_impossible"] else "answerable"
    asked = f"Title: {title.replace('_', ' ')}\n\nBackground: {context}\n\nQ: {question['question']}"
    text = f"{INSTRUCTION}\n\n{asked}"
    request = Ask((Message("user", text),), f"{text}\n\nA:")
    return Item(question["id"], context, request, {"answers": answers}, {"kind": kind})


def _sniff(row: Row) -> bool:
    return "paragraphs" in row or (isinstance(row.get("data"), list) and "paragraphs" in row["data"][0])


SUITE = Suite("squad2", ("dev-v2.0*.json", "squad2*.json"), _sniff, load, "reading, with questions that have no answer")
