"""Completions that were made elsewhere, with whatever scores the table has, become logs like our own: one a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.core.records import Message
from tunesmith.evaluate.sample_log import Sample
from tunesmith.evaluate.scorer import Measure, Scorer, Written
from tunesmith.evaluate.tables import TableRow, column_of, is_empty, number_of, read_table, text_of
from tunesmith.evaluate.task import Ask, Item

PROMPT = ("prompt", "instruction", "question", "input", "query")
COMPLETION = ("completion", "response", "output", "answer", "generation", "generated", "prediction", "continuation")
MODEL = ("model", "model_name", "system", "engine")
CONDITION = ("condition", "prompt_type", "prompt_condition", "setting", "scenario", "variant")
REFERENCES = ("references", "reference", "targets", "target", "gold", "expected", "correct_answers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column holds what; empty: found by its usual names. `scores` empty: every column of numbers."""

    prompt: str = ""
    completion: str = ""
    model: str = ""
    condition: str = ""
    references: str = ""
    scores: tuple[str, ...] = ()


class Outside(NamedTuple):
    """Samples by model, the measures they carry, and what was left out."""

    logs: dict[str, list[Sample]]
    measures: list[Measure]
    left_out: dict[str, int]


def read_outside(path: Path, columns: Columns, scorers: Sequence[Scorer]) -> Outside:
    """Return the table's completions, one sample a row; rows of one prompt are one cluster.

    References are split at `|`. A score that is missing in a row is unscored there. Rows without a completion are left
    out and counted; an empty text in the completion's column is an (empty) completion.

    Raises:
        DataError: no column of prompts or completions, or nothing to measure.
    """
    table = read_table(path)
    rows = table.rows
    prompt = column_of(rows, PROMPT, columns.prompt, "prompt")
    completion = column_of(rows, COMPLETION, columns.completion, "completion")
    if prompt is None or completion is None:
        missing = "prompts" if prompt is None else "completions"
        raise DataError(
            f"no column of {missing}",
            where=str(path),
            why=f"there are {', '.join(rows[0])}",
            remedy="name it with --set columns.prompt=NAME or columns.completion=NAME",
        )
    model = column_of(rows, MODEL, columns.model, "model")
    condition = column_of(rows, CONDITION, columns.condition, "condition")
    references = column_of(rows, REFERENCES, columns.references, "references")
    texts = {prompt, completion, model, condition, references}
    scores = columns.scores or tuple(name for name in _numeric(rows) if name not in texts)
    if not scores and not (scorers and references):
        raise DataError(
            "nothing to measure",
            where=str(path),
            why="no column of numbers, and no metric with references",
            remedy="give --metric NAME and a column of references",
        )
    left_out = Counter(table.left_out)
    seen: Counter[tuple[str, str, str]] = Counter()
    logs: dict[str, list[Sample]] = {}
    for row in rows:
        if row.get(completion) is None:
            left_out["no completion"] += 1
            continue
        asked, name = text_of(row.get(prompt)), text_of(row.get(model)) if model else path.stem
        group = text_of(row.get(condition)) if condition else ""
        seen[name, group, asked] += 1
        target = {"prompt": asked, "references": _split(row.get(references)) if references else []}
        key = f"{group}\x1f{asked}\x1f{seen[name, group, asked]}"
        item = Item(key, asked, Ask((Message("user", asked),), asked), target, {condition: group} if condition else {})
        response = Written((text_of(row[completion]),), (True,))
        values: dict[str, Sequence[float]] = {s: [v] for s in scores if (v := number_of(row.get(s))) is not None}
        for scorer in scorers if target["references"] else ():
            values |= scorer.score(target, response)
        logs.setdefault(name, []).append(
            Sample(task=path.stem, item=item, response=response, scores=values, model=name)
        )
    measures = [Measure(name, name.replace("_", " "), unit=_unit(rows, name), primary=True) for name in scores]
    return Outside(logs, [*measures, *(m for s in scorers for m in s.measures)], dict(left_out))


def _numeric(rows: Sequence[TableRow]) -> list[str]:
    """Return the columns whose filled cells are all numbers, without those that only count the rows."""
    found = []
    for name in dict.fromkeys(name for row in rows for name in row):
        cells = [row[name] for row in rows if name in row and not is_empty(row[name])]
        values = [number_of(cell) for cell in cells]
        counts = len(values) > 1 and values in ([*range(len(rows))], [*range(1, len(rows) + 1)])
        if cells and None not in values and not counts and not name.endswith("id"):
            found.append(name)
    return found


def _unit(rows: Sequence[TableRow], name: str) -> Literal["share", "points"]:
    values = [value for row in rows if (value := number_of(row.get(name))) is not None]
    return "share" if values and min(values) >= 0.0 and max(values) <= 1.0 else "points"


def _split(cell: object) -> list[str]:
    if isinstance(cell, list):
        return [text_of(part) for part in cell]
    return [part.strip() for part in text_of(cell).split("|") if part.strip()]
