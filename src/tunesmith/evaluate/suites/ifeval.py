"""IFEval (Zhou et al. 2023, arXiv 2311.07911): instructions whose following a program can verify; zero-shot, greedy."""

from __future__ import annotations

from pathlib import Path

from tunesmith.core.errors import DataError
from tunesmith.core.records import Message
from tunesmith.evaluate.instructions.known import NEED_LANGUAGE, VERIFIERS
from tunesmith.evaluate.instructions.language import is_language
from tunesmith.evaluate.scorers.instructions import Instructions
from tunesmith.evaluate.suites.suite import Row, Suite, SuiteOptions, drawn, field, read_rows
from tunesmith.evaluate.task import Ask, Item, Protocol, Task

MAX_TOKENS = 1280


def load(path: Path, options: SuiteOptions) -> Task:
    """Return the task.

    Raises:
        DataError: an instruction type that nobody here can verify.
        EnvironmentProblem: language instructions, and langdetect is not installed.
    """
    rows = read_rows(path)
    items = [_item(row, f"{path}:{n}") for n, row in enumerate(rows.rows, 1)]
    task = Task(
        name="ifeval",
        version=1,
        source="Zhou et al. 2023, arXiv 2311.07911",
        items=tuple(items),
        scorer=Instructions(),
        protocol=Protocol(max_tokens=MAX_TOKENS),
        file=path.name,
        file_sha256=rows.sha256,
        left_out=rows.left_out,
    )
    task = drawn(task, options)
    if any(one["id"] in NEED_LANGUAGE for item in task.items for one in item.target):
        is_language("Is it there before the work begins?", "en")
    return task


def _item(row: Row, where: str) -> Item:
    prompt = field(row, "prompt", where)
    names, arguments = row["instruction_id_list"], row["kwargs"]
    unknown = sorted(set(names) - VERIFIERS.keys())
    if unknown:
        raise DataError(f"unknown instruction {unknown[0]!r}", where=where)
    # null stands for "not given"; 0 is a value.
    target = [
        {"id": name, "kwargs": {k: v for k, v in given.items() if v is not None}}
        for name, given in zip(names, arguments, strict=True)
    ]
    return Item(str(row["key"]), prompt, Ask((Message("user", prompt),), f"{prompt}\n\n"), target)


def _sniff(row: Row) -> bool:
    return {"prompt", "instruction_id_list", "kwargs"} <= row.keys()


SUITE = Suite("ifeval", ("input_data.jsonl", "ifeval*.jsonl"), _sniff, load, "instructions that a program can verify")
