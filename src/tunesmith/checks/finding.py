"""What a check says: a finding about one place of a file, and a section of the report about the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "warning", "note"]
# error: training on the row does harm or is impossible; warning: probably unwanted; note: worth knowing
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


class Finding(NamedTuple):
    """One thing found. `line` counts from 1 (in Parquet: the row number); `field` such as "messages[1].content"."""

    file: str
    line: int
    field: str
    check: str  # the kind of finding, such as "noise.placeholder"; the part before the dot is the check's name
    reason: str  # in words, with the number or the text that decided
    severity: Severity


class Clustered(NamedTuple):
    """A row that belongs to others; `cluster` is the place (`file:line`) of the first of them."""

    file: str
    line: int
    cluster: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check found in the whole data set.

    `numbers` are the check's measures, JSON values by name, printed in the report in this order. `plots` are the data
    of its plots (`evaluate` draws them, since this floor knows no plotting): name -> JSON values.
    """

    check: str
    findings: list[Finding] = field(default_factory=list)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    plots: Mapping[str, Any] = field(default_factory=dict)
    clusters: list[Clustered] = field(default_factory=list)  # all rows of each cluster, also the first
    advice: tuple[str, ...] = ()  # in words, each with the command that fixes it where there is one
