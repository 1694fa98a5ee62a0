"""How a check is asked: over chunks of rows in any process, then once over what the chunks gave.

The chunks may be read by several processes, or by a cluster, and concluded in file order; so a million rows are never
in memory at once, and the findings do not depend on how the rows were divided (each check has a test of that).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from tunesmith.checks.finding import CheckResult, Finding
from tunesmith.core.records import Comparison, Document, Ranking, Record


class CheckedRow(NamedTuple):
    """A record and where it stands. Several records may come from one row."""

    file: str
    line: int
    record: Record


class Text(NamedTuple):
    """One text of a record: its field, what it is for, and the text itself."""

    field: str
    role: str  # system | user | assistant | tool | chosen | rejected | completion | document
    text: str


Part = TypeVar("Part")


class Check(Protocol[Part]):
    """One check. `Part` must pickle and be small: it crosses processes, and all parts are in memory at the end."""

    name: str
    source: str  # where the criterion comes from: a paper, a standard, or "house rule" with the reason

    def chunk(self, rows: Sequence[CheckedRow]) -> Part:
        """Return what these rows contribute; must not depend on other chunks."""
        ...

    def conclude(self, parts: Iterable[Part]) -> CheckResult:
        """Return the result from all parts, in file order."""
        ...


class RowCheck:
    """A check that judges each row alone: give `name`, `source` and `row`."""

    name: str
    source: str

    def row(self, row: CheckedRow) -> Iterator[Finding]:
        """Yield what is wrong with one row."""
        raise NotImplementedError

    def chunk(self, rows: Sequence[CheckedRow]) -> list[Finding]:
        """Return the findings of these rows."""
        return [finding for row in rows for finding in self.row(row)]

    def conclude(self, parts: Iterable[list[Finding]]) -> CheckResult:
        """Return all findings with their counts by kind."""
        findings = [finding for part in parts for finding in part]
        counts: dict[str, int] = {}
        for finding in findings:
            counts[finding.check] = counts.get(finding.check, 0) + 1
        return CheckResult(check=self.name, findings=findings, numbers=counts)


def texts_of(record: Record) -> Iterator[Text]:
    """Yield every text of a record, in the order a person reads them."""
    if isinstance(record, Document):
        yield Text("text", "document", record.text)
        return
    for index, message in enumerate(record.messages):
        yield Text(f"messages[{index}].content", message.role, message.content)
    if isinstance(record, Comparison):
        yield Text("chosen", "chosen", record.chosen)
        yield Text("rejected", "rejected", record.rejected)
    elif isinstance(record, Ranking):
        for index, completion in enumerate(record.completions):
            yield Text(f"completions[{index}].text", "completion", completion.text)
