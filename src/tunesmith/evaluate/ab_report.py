"""`report.html` of an A/B test: what to do, the arms, the curves; and the same as lines for a terminal."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from tunesmith.evaluate.ab_charts import difference_curve, evidence_curve
from tunesmith.evaluate.page import page_template
from tunesmith.statistics.ab_test import AbReport, ArmResult, Comparison, MetricResult
from tunesmith.statistics.rates import Rate

GUARD_WORDS = {"breached": "worse than is tolerated", "held": "holds", "open": "not settled yet", None: ""}


class Row(NamedTuple):
    """One line of a metric's table."""

    arm: str
    people: int
    outcomes: int
    rate: str
    difference: str
    p: str
    verdict: str
    tone: str


class Section(NamedTuple):
    """One metric: its table and its curves."""

    result: MetricResult
    rows: list[Row]
    difference: Markup
    evidence: Markup


def render_ab_report(report: AbReport, *, command: str = "") -> str:
    """Return the page: one file without scripts that loads nothing; names from data are escaped."""
    sections = [
        Section(
            result,
            rows_of(result),
            Markup(difference_curve(result, name=f"difference{index}")),
            Markup(evidence_curve(result, name=f"evidence{index}")),
        )
        for index, result in enumerate(report.metrics)
    ]
    return page_template("ab_report.html.j2").render(report=report, sections=sections, command=command)


def ab_lines(report: AbReport) -> list[str]:
    """Return the report as lines: a table per metric, the sizes of the arms, what to do."""
    lines = []
    for result in report.metrics:
        rows = rows_of(result)
        lines.append(f"{result.metric.name} ({result.metric.role}, {result.metric.better} is better)")
        table = [("arm", "people", "mean [95 % at any time]", "against the control", "p", "")]
        table += [(r.arm, f"{r.people:,}", r.rate, r.difference, r.p, r.verdict) for r in rows]
        widths = [max(len(row[i]) for row in table) for i in range(6)]
        lines += ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in table]
        if result.left_out:
            lines.append(f"  left out: {result.left_out:,} outcomes of people who were seen in two arms")
    if report.shares is not None:
        people = " / ".join(f"{n:,}" for n in report.shares.people)
        state = "ALARM, not what the shares say" if report.shares.alarm else "as the shares say"
        lines.append(f"sizes of the arms: {people}, {state} (p = {report.shares.p:.2g})")
    return [*lines, *report.notes, report.recommendation]


def rows_of(result: MetricResult) -> list[Row]:
    """Return a metric's table: the control first, then each arm against it."""
    control = result.arms[0]
    rows = [Row(control.arm, control.people, control.outcomes, _rate(control.rate), "", "", "the control", "")]
    return rows + [_row(a, c) for a, c in zip(result.arms[1:], result.comparisons, strict=True)]


def _row(arm: ArmResult, comparison: Comparison) -> Row:
    words, tone = {True: ("better", "good"), False: ("worse", "bad"), None: ("not decided", "")}[comparison.better]
    if comparison.guardrail is not None:
        words = GUARD_WORDS[comparison.guardrail]
        tone = {"breached": "bad", "held": "good", "open": ""}[comparison.guardrail]
    difference = comparison.difference
    p = f"{comparison.p:.2g}"
    return Row(arm.arm, arm.people, arm.outcomes, _rate(arm.rate), _rate(difference, "+"), p, words, tone)


def _rate(rate: Rate | None, sign: str = "") -> str:
    if rate is None:
        return "too few people"
    return f"{rate.value:{sign}.3g} [{rate.low:{sign}.3g}, {rate.high:{sign}.3g}]"
