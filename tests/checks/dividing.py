"""What every check must keep: its result does not depend on how the rows were divided."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

from tunesmith.checks.check import CheckedRow
from tunesmith.checks.finding import CheckResult
from tunesmith.core.records import Demonstration, Message, Record


def rows_of(records: Sequence[Record], file: str = "data.jsonl") -> list[CheckedRow]:
    return [CheckedRow(file, line, record) for line, record in enumerate(records, start=1)]


def asked(question: str, answer: str, **meta: Any) -> Demonstration:
    return Demonstration(messages=(Message("user", question), Message("assistant", answer)), meta=meta)


def result(check: Any, rows: Sequence[CheckedRow], size: int = 1000) -> CheckResult:
    parts = [check.chunk(rows[i : i + size]) for i in range(0, len(rows), size)]
    return check.conclude(iter(pickle.loads(pickle.dumps(parts))))


def same_however_divided(check: Any, rows: Sequence[CheckedRow]) -> CheckResult:
    whole = result(check, rows, len(rows))
    for size in (7, 64, len(rows) // 2 + 1):
        assert result(check, rows, size) == whole, f"chunks of {size} rows give another result"
    # A chunk without rows, and none at all, are no error.
    assert check.conclude([check.chunk([]), check.chunk(rows)]) == whole
    check.conclude([])
    return whole
