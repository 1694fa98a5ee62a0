"""How a check is asked: over chunks of rows in any process, then once over what the chunks gave.

The chunks may be read by several processes, or by a cluster, and concluded in file order; so a million rows are never
in memory at once, and the findings do not depend on how the rows were divided (each check has a test of that).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, TypeVar

from tunesmith.checks.finding import CheckResult, Finding
from tunesmith.checks.worded import Text, Worded
from tunesmith.core.records import Comparison, Document, Ranking, Record


@dataclass(slots=True)
class CheckedRow:
    """A record and where it stands. Several records may come from one row.

    Its texts and their words are made once, whichever checks ask for them.
    """

    file: str
    line: int
    record: Record
    _texts: tuple[Text, ...] | None = field(default=None, init=False, repr=False, compare=False)
    _worded: tuple[Worded, ...] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def texts(self) -> tuple[Text, ...]:
        """The texts in the order a person reads them."""
        if self._texts is None:
            self._texts = tuple(texts_of(self.record))
        return self._texts

    @property
    def worded(self) -> tuple[Worded, ...]:
        """The same texts as the rules of language read them."""
        if self._worded is None:
            self._worded = tuple(map(Worded, self.texts))
        return self._worded


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


class Judged(NamedTuple):
    """What a row check says of a chunk: findings that are final, and a small measure to be summed up (or None)."""

    findings: list[Finding]
    measure: Any = None


class RowCheck:
    """A check that judges each row alone: give `name`, `source` and `row`.

    Its findings need nothing of the other rows, so they are written out as they come and never gather in memory. A
    check that also measures (lengths, say) overrides `chunk` to return a measure, and `summarise` to report on them.
    """

    name: str
    source: str

    def row(self, row: CheckedRow) -> Iterator[Finding]:
        """Yield what is wrong with one row."""
        raise NotImplementedError

    def chunk(self, rows: Sequence[CheckedRow]) -> Judged:
        """Return the findings of these rows."""
        return Judged([finding for row in rows for finding in self.row(row)])

    def summarise(self, measures: Iterable[Any]) -> CheckResult:
        """Return the report's section from the measures, without the findings; default: nothing to add."""
        return CheckResult(check=self.name)

    def conclude(self, parts: Iterable[Judged]) -> CheckResult:
        """Return all findings with their counts by kind, and what the measures say."""
        judged = list(parts)
        findings = [finding for part in judged for finding in part.findings]
        counts = Counter(finding.check for finding in findings)
        rest = self.summarise([part.measure for part in judged if part.measure is not None])
        return replace(rest, findings=findings, numbers={**counts, **rest.numbers})


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
