"""Read what `data check` found, and choose the rows that are to go."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import orjson

from tunesmith.checks.finding import SEVERITIES, Finding
from tunesmith.core.errors import DataError
from tunesmith.formats.paths import existing_file
from tunesmith.store.snapshots import MANIFEST, RECORDS


class Drops(NamedTuple):
    """The reasons why rows are dropped, by (`place_of(file)`, line), and how many findings of each kind chose them."""

    reasons: Mapping[tuple[str, int], list[str]]
    chosen: Counter[str]


def read_findings(path: Path) -> list[Finding]:
    """Return the findings of a `findings.jsonl`.

    Raises:
        ConfigError: there is no such file.
        DataError: a line is no finding; `where` is file:line.
    """
    findings = []
    for number, line in enumerate(existing_file(path).read_bytes().splitlines(), 1):
        if line.strip():
            findings.append(_finding(line, f"{path}:{number}"))
    return findings


def _finding(line: bytes, where: str) -> Finding:
    try:
        body = orjson.loads(line)
        finding = Finding(*(body[name] for name in Finding._fields))
    except (orjson.JSONDecodeError, TypeError, KeyError) as error:
        why = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(
            "is not a finding", where=where, why=why, remedy="name the findings.jsonl of a check"
        ) from error
    texts = (finding.file, finding.field, finding.check, finding.reason)
    if not isinstance(finding.line, int) or not all(isinstance(t, str) for t in texts):
        raise DataError("is not a finding", where=where, why="a value has the wrong type")
    if finding.severity not in SEVERITIES:
        raise DataError(f"unknown severity {finding.severity!r}", where=where)
    return finding


def place_of(file: str) -> str:
    """Return one name for a file however it was written; a snapshot's folder and its `records.jsonl` are one place."""
    path = Path(os.path.abspath(file))
    return str(path.parent if path.name == RECORDS and (path.parent / MANIFEST).is_file() else path)


def rows_to_drop(findings: Sequence[Finding], kinds: Sequence[str]) -> Drops:
    """Return which rows the findings of these kinds drop; `noise` stands for `noise.placeholder` and its like."""
    reasons: dict[tuple[str, int], list[str]] = {}
    chosen: Counter[str] = Counter()
    places = lru_cache(maxsize=None)(place_of)
    for finding in findings:
        kind = next((k for k in kinds if finding.check == k or finding.check.startswith(f"{k}.")), None)
        if kind is not None:
            chosen[kind] += 1
            reasons.setdefault((places(finding.file), finding.line), []).append(f"{finding.check}: {finding.reason}")
    return Drops(reasons, chosen)
