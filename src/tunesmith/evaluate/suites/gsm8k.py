"""GSM8K (Cobbe et al. 2021, arXiv 2110.14168): school arithmetic in words; the final number must be exact."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Message
from tunesmith.evaluate.scorers.final_number import FinalNumber
from tunesmith.evaluate.suites.suite import Row, Suite, SuiteOptions, drawn, field, read_rows
from tunesmith.evaluate.task import Ask, Item, Protocol, Task

_CALCULATOR = re.compile(r"<<[^<>]*>>")


def load(path: Path, options: SuiteOptions) -> Task:
    """Return the task: one greedy solution of at most 256 tokens after `shots` solved rows of `shots_file`."""
    rows = read_rows(path)
    primer = _shots(options)
    items = [_item(row, f"{path}:{n}", n, primer) for n, row in enumerate(rows.rows, 1)]
    task = Task(
        name="gsm8k",
        version=1,
        source="Cobbe et al. 2021, arXiv 2110.14168",
        items=tuple(items),
        scorer=FinalNumber(),
        protocol=Protocol(form="plain" if primer else "chat", max_tokens=256, stop=("\n\n", "Question:")),
        file=path.name,
        file_sha256=rows.sha256,
        left_out=rows.left_out,
        notes=(f"{options.shots} solved examples shown",),
    )
    return drawn(task, options)


def _shots(options: SuiteOptions) -> str:
    if not options.shots:
        return ""
    if options.shots_file is None:
        raise ConfigError("no file for the examples shown", where="shots_file", remedy="give GSM8K's train.jsonl")
    rows = read_rows(options.shots_file).rows
    if len(rows) < options.shots:
        raise ConfigError(f"{options.shots} examples asked for, {len(rows)} there", where=str(options.shots_file))
    ranked = sorted(rows, key=lambda row: hashlib.sha256(f"{options.seed}\0{row['question']}".encode()).digest())
    shown = [f"Question: {row['question']}\nAnswer: {plain_solution(row['answer'])}" for row in ranked[: options.shots]]
    return "\n\n".join(shown) + "\n\n"


def plain_solution(answer: str) -> str:
    """Return a reference solution without the calculator's marks."""
    return _CALCULATOR.sub("", answer)


def _item(row: Row, where: str, number: int, primer: str) -> Item:
    question = field(row, "question", where)
    final = field(row, "answer", where).rpartition("####")[2].strip()
    request = Ask((Message("user", question),), f"{primer}Question: {question}\nAnswer:")
    return Item(str(number), question, request, {"answer": final})


def _sniff(row: Row) -> bool:
    return {"question", "answer"} <= row.keys() and "####" in str(row["answer"])


SUITE = Suite("gsm8k", ("gsm8k*.jsonl", "test.jsonl"), _sniff, load, "school arithmetic, exact final number")
