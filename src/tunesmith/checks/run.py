"""Run checks over files: rows in chunks to the workers, findings to a file as they come, conclusions at the end.

Nothing here depends on how the rows are divided or on who is done first, so the findings are the same, byte for byte,
with any number of workers. What stays in memory is counts, a few examples of each kind, and the checks' own parts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from tunesmith.checks.check import Check, CheckedRow, Judged, RowCheck
from tunesmith.checks.engines import EngineName, run_in_order
from tunesmith.checks.finding import SEVERITIES, CheckResult, Finding
from tunesmith.checks.known import CheckPlan, build
from tunesmith.checks.quarantined import finding_of
from tunesmith.checks.references import SNAPSHOT_RECORDS
from tunesmith.core.records import kind_of
from tunesmith.formats.byte_source import Line
from tunesmith.formats.streaming import Chunk, chunks, open_stream, parse_rows

EXAMPLES = 5


@dataclass(slots=True)
class Tally:
    """How often a kind of finding occurs: findings, rows they lie in, severities, and the first ones."""

    findings: int = 0
    rows: int = 0
    severities: Counter[str] = field(default_factory=Counter)
    examples: list[Finding] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add what comes later in the files."""
        self.findings += other.findings
        self.rows += other.rows
        self.severities.update(other.severities)
        self.examples += other.examples[: EXAMPLES - len(self.examples)]


class ChunkAnswer(NamedTuple):
    """What the checks say of one chunk: its findings as JSON lines, tallied, and the parts that wait for the others."""

    rows: int
    data_bytes: int
    bad_rows: int
    kinds: Counter[str]
    findings: bytes
    tallies: dict[str, Tally]
    parts: dict[str, Any]


class Progress(NamedTuple):
    """How far the run is; `data_bytes` is 0 where the container does not tell."""

    file: str
    rows: int
    data_bytes: int


@dataclass(slots=True)
class Checked:
    """What all checks say of all files. `kinds` counts records by kind; `formats` names each file's format."""

    rows: int = 0
    bad_rows: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    formats: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    results: dict[str, CheckResult] = field(default_factory=dict)

    @property
    def severities(self) -> dict[str, int]:
        """Findings by severity."""
        return {name: sum(tally.severities[name] for tally in self.tallies.values()) for name in SEVERITIES}

    def tally(self, tallies: dict[str, Tally]) -> None:
        """Add tallies of what comes later."""
        for kind, tally in tallies.items():
            self.tallies.setdefault(kind, Tally()).add(tally)


def run_checks(
    paths: Sequence[Path],
    plan: CheckPlan,
    findings: BinaryIO,
    *,
    format: str | None = None,
    engine: EngineName = "local",
    workers: int = 1,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Checked:
    """Check files or snapshots; every finding goes to `findings` as a JSON line, those of rows first, in file order.

    Raises:
        ConfigError: no such file or format.
        DataError: a file is empty or damaged as a whole, or its format is in doubt.
        EnvironmentProblem: a worker died, or the engine is not installed.
    """
    checks = build(plan)
    checked = Checked()
    parts: dict[str, list[Any]] = {check.name: [] for check in checks}
    for answer in run_in_order(
        partial(answer_chunk, plan), _all(paths, format, checked), engine=engine, workers=workers
    ):
        findings.write(answer.findings)
        checked.rows += answer.rows
        checked.bad_rows += answer.bad_rows
        checked.kinds += answer.kinds
        checked.tally(answer.tallies)
        for name, part in answer.parts.items():
            parts[name].append(part)
        progress(Progress(str(paths[0]), checked.rows, answer.data_bytes))
    for check in checks:
        result = _conclude(check, parts.pop(check.name))
        findings.write(_json_lines(result.findings))
        checked.tally(_tally(result.findings))
        checked.results[check.name] = result
    return checked


def answer_chunk(plan: CheckPlan, chunk: Chunk) -> ChunkAnswer:
    """Parse a chunk's rows and ask every check; runs in any process."""
    found: list[Finding] = []
    rows: list[CheckedRow] = []
    count = bad = 0
    for parsed in parse_rows(chunk.file, chunk.layout, chunk.rows):
        count += 1
        bad += bool(parsed.quarantined)
        found += map(finding_of, parsed.quarantined)
        rows += (CheckedRow(chunk.file, parsed.line, record) for record in parsed.records)
    parts: dict[str, Any] = {}
    for check in _built(plan):
        part = check.chunk(rows)
        if isinstance(check, RowCheck):
            assert isinstance(part, Judged)
            found += part.findings
            part = part.measure
        if part is not None:
            parts[check.name] = part
    # Stable: within a row, the order of the checks.
    found.sort(key=lambda finding: finding.line)
    kinds = Counter(kind_of(row.record) for row in rows)
    size = sum(len(row.data) + 1 for row in chunk.rows if isinstance(row, Line))
    return ChunkAnswer(count, size, bad, kinds, _json_lines(found), _tally(found), parts)


@lru_cache(maxsize=1)
def _built(plan: CheckPlan) -> list[Check[Any]]:
    """Build once in each process."""
    return build(plan)


def _conclude(check: Check[Any], parts: list[Any]) -> CheckResult:
    return check.summarise(parts) if isinstance(check, RowCheck) else check.conclude(parts)


def _all(paths: Sequence[Path], format: str | None, checked: Checked) -> Iterator[Chunk]:
    for path in paths:
        file = path / SNAPSHOT_RECORDS if path.is_dir() else path
        with open_stream(file, format=None if path.is_dir() else format) as opened:
            checked.formats[str(path)] = "snapshot" if path.is_dir() else opened.format
            yield from chunks(opened)
            checked.notes += [f"{path}: {note}" for note in opened.notes]


def _json_lines(findings: Iterable[Finding]) -> bytes:
    return b"".join(orjson.dumps(finding._asdict(), option=orjson.OPT_APPEND_NEWLINE) for finding in findings)


def _tally(findings: Iterable[Finding]) -> dict[str, Tally]:
    """Tally findings that come in file order by kind; a row counts once for each kind."""
    tallies: dict[str, Tally] = {}
    last: dict[str, tuple[str, int]] = {}
    for finding in findings:
        tally = tallies.setdefault(finding.check, Tally())
        place = (finding.file, finding.line)
        tally.rows += last.get(finding.check) != place
        last[finding.check] = place
        tally.findings += 1
        tally.severities[finding.severity] += 1
        if len(tally.examples) < EXAMPLES:
            tally.examples.append(finding)
    return tallies
