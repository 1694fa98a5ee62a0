"""HellaSwag (Zellers et al. 2019, arXiv 1905.07830): which of four endings continues a scene?

The context is "activity: sentence and beginning"; an ending's log-prob is summed (`accuracy`) or divided by its length
in characters (`accuracy_normalised`, the primary measure).
"""

from __future__ import annotations

import re
from pathlib import Path

from tunesmith.evaluate.scorers.multiple_choice import OneOfMany
from tunesmith.evaluate.suites.suite import Row, Suite, SuiteOptions, drawn, field, read_rows
from tunesmith.evaluate.task import Choices, Item, Protocol, Task

_MARKUP = re.compile(r"\[.*?\]")


def load(path: Path, options: SuiteOptions) -> Task:
    """Return the task; rows without a label (the test split) are left out and counted."""
    rows = read_rows(path)
    items = [_item(row, f"{path}:{n}", n) for n, row in enumerate(rows.rows, 1) if str(row.get("label", "")) != ""]
    unlabelled = len(rows.rows) - len(items)
    task = Task(
        name="hellaswag",
        version=2,  # 2: the space before an ending is not one of its characters, as in lm-eval
        source="Zellers et al. 2019, arXiv 1905.07830",
        items=tuple(items),
        scorer=OneOfMany(),
        protocol=Protocol(form="plain"),
        file=path.name,
        file_sha256=rows.sha256,
        left_out={**rows.left_out, **({"no label": unlabelled} if unlabelled else {})},
    )
    return drawn(task, options)


def cleaned(text: str) -> str:
    """Return the text without WikiHow's marks such as [title], which end a sentence."""
    text = _MARKUP.sub("", text.strip().replace(" [title]", ". "))
    return re.sub(" {2,}", " ", text).strip()


def _item(row: Row, where: str, number: int) -> Item:
    second = field(row, "ctx_b", where)
    scene = f"{field(row, 'ctx_a', where)} {second[:1].upper()}{second[1:].lower()}"
    context = cleaned(f"{field(row, 'activity_label', where)}: {scene}")
    endings = tuple(f" {cleaned(ending)}" for ending in row["endings"])
    return Item(
        str(row.get("ind", number)),
        str(row.get("source_id", number)),
        Choices(context, endings),
        {"answer": int(row["label"])},
        {"split": str(row.get("split_type", ""))},
    )


def _sniff(row: Row) -> bool:
    return {"ctx_a", "ctx_b", "endings", "activity_label"} <= row.keys()


SUITE = Suite("hellaswag", ("hellaswag*.jsonl",), _sniff, load, "everyday scenes, four endings")
