"""`report.html` of a data set: what is wrong, what to fix first, each check with its source, limits and examples.

One file without scripts, readable offline, in light and dark. Texts from the data are escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from markupsafe import Markup

from tunesmith.checks.advice import Fix
from tunesmith.checks.finding import SEVERITIES, Finding
from tunesmith.checks.known import SOURCES
from tunesmith.checks.run import Checked, Tally
from tunesmith.evaluate import wording
from tunesmith.evaluate.corpus_charts import CORPUS_DRAWN
from tunesmith.evaluate.data_charts import DRAWN, KindBar, kind_bars
from tunesmith.evaluate.page import page_template
from tunesmith.evaluate.worded_values import worded_value

# Numbers that the page shows as a table.
SHOWN_AS: Mapping[str, str] = dict.fromkeys(("matrix", "guessed_matrix"), "matrix")


@dataclass(frozen=True, slots=True)
class DataReport:
    """What the page shows: the checks' results, the ranked fixes, the configuration, the command, and the time."""

    checked: Checked
    fixes: Sequence[Fix]
    config: Mapping[str, Any]
    command: str = ""
    seconds: float = 0.0


class KindRow(NamedTuple):
    """One kind of finding in a check's section; `share` of all rows, in 0..1."""

    kind: str
    severity: str
    findings: int
    rows: int
    share: float
    examples: Sequence[Finding]


class Section(NamedTuple):
    """One check: where its criteria come from, its settings, numbers, charts, loss masks, kinds and advice.

    `clusters` are the rows of the table of clusters, `matrix` the one of tasks and scenarios; empty in other checks.
    """

    name: str
    source: str
    settings: Mapping[str, Any]
    numbers: Mapping[str, Any]
    charts: Sequence[Markup]
    masks: Sequence[Mapping[str, Any]]
    kinds: Sequence[KindRow]
    advice: Sequence[str]
    clusters: Sequence[Mapping[str, Any]]
    matrix: Mapping[str, Any]


def render_data_report(report: DataReport) -> str:
    """Return the page."""
    checked = report.checked
    bars = [KindBar(kind, tally.rows, _severity(tally)) for kind, tally in checked.tallies.items()]
    return page_template("data_report.html.j2").render(
        report=report,
        checked=checked,
        headline=_headline(checked),
        severities=checked.severities,
        bars=Markup(kind_bars(bars)) if bars else None,
        sections=_sections(report),
        time=wording.duration(report.seconds),
    )


def _headline(checked: Checked) -> str:
    count = checked.severities
    if not any(count.values()):
        return f"Nothing found in {checked.rows:,} rows"
    found = ", ".join(f"{count[name]:,} {name}{'s' * (count[name] != 1)}" for name in SEVERITIES if count[name])
    return f"{found} in {checked.rows:,} rows"


def _sections(report: DataReport) -> list[Section]:
    checked = report.checked
    names = list(dict.fromkeys([*checked.results, *(kind.partition(".")[0] for kind in checked.tallies)]))
    return [_section(name, report) for name in names]


def _section(name: str, report: DataReport) -> Section:
    checked = report.checked
    result = checked.results.get(name)
    plots = result.plots if result else {}
    kinds = [
        _kind_row(kind, tally, checked) for kind, tally in checked.tallies.items() if kind.partition(".")[0] == name
    ]
    return Section(
        name,
        SOURCES.get(name, "the reader: what cannot be parsed cannot be trained on"),
        _flat(report.config.get(name) or {}),
        {key: worded_value(value) for key, value in (result.numbers if result else {}).items() if key not in SHOWN_AS},
        [Markup(drawn) for plot, data in plots.items() if (drawn := _drawn(plot, data))],
        plots.get("loss_masks", ()),
        sorted(kinds, key=lambda row: -row.rows),
        result.advice if result else (),
        plots.get("clusters", ()),
        plots.get("matrix", {}),
    )


def _drawn(plot: str, data: Mapping[str, Any]) -> str:
    draw = DRAWN.get(plot) or CORPUS_DRAWN.get(plot)
    return draw(data) if draw else ""


def _kind_row(kind: str, tally: Tally, checked: Checked) -> KindRow:
    share = tally.rows / max(checked.rows, 1)
    return KindRow(kind, _severity(tally), tally.findings, tally.rows, share, tally.examples)


def _severity(tally: Tally) -> str:
    return next(name for name in SEVERITIES if tally.severities[name])


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings with dotted names, as `--set` takes them."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) and value else {prefix + key: value}
    return flat
