"""Rows for tests of checks, and the promise that every check keeps: chunks do not matter."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

from tunesmith.checks.check import Check, CheckedRow
from tunesmith.checks.finding import Finding
from tunesmith.core.records import Demonstration, Message, Record


def talk(prompt: str, answer: str) -> Demonstration:
    """Return a demonstration of one prompt and its answer."""
    return Demonstration(messages=(Message("user", prompt), Message("assistant", answer)))


def rows_of(*records: Record) -> list[CheckedRow]:
    """Return records as the rows of a file."""
    return [CheckedRow("f.jsonl", line, record) for line, record in enumerate(records, 1)]


def found(check: Check[Any], *records: Record) -> list[Finding]:
    """Return a check's findings, after asserting that they are the same whatever the chunks."""
    rows = rows_of(*records)
    whole = check.conclude([check.chunk(rows)])
    for size in (1, 2, 3):
        parts = [check.chunk(rows[i : i + size]) for i in range(0, len(rows), size)]
        # Parts cross processes.
        divided = check.conclude(pickle.loads(pickle.dumps(parts)))
        assert (divided.findings, divided.numbers, divided.plots) == (whole.findings, whole.numbers, whole.plots), size
    return whole.findings


def kinds(findings: Sequence[Finding]) -> list[str]:
    """Return the kinds found, in order."""
    return [finding.check for finding in findings]
