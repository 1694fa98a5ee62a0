"""Small records for the tests of the workshop."""

from __future__ import annotations

from typing import Any

from tunesmith.checks.check import CheckedRow
from tunesmith.core.records import Demonstration, Message, Record


def demo(prompt: str, answer: str = "Yes.", **meta: Any) -> Demonstration:
    return Demonstration(messages=(Message("user", prompt), Message("assistant", answer)), meta=meta)


def rows(*records: Record, file: str = "a.jsonl") -> list[CheckedRow]:
    return [CheckedRow(file, line, record) for line, record in enumerate(records, 1)]
