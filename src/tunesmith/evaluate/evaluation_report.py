"""One self-contained page about several evaluations: what was measured, what changed against the parent, samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from tunesmith.evaluate.changed_samples import shown_samples
from tunesmith.evaluate.comparison import Comparison, Difference
from tunesmith.evaluate.difference_chart import difference_dots
from tunesmith.evaluate.evaluation import Result, results_of
from tunesmith.evaluate.instructgpt import PUBLIC_SUITES
from tunesmith.evaluate.page import page_template
from tunesmith.evaluate.scorer import Measure
from tunesmith.evaluate.wording import points, signed, suite_title
from tunesmith.train.durable import replace_file

ARROWS = {True: "\N{UPWARDS ARROW}", False: "\N{DOWNWARDS ARROW}", None: ""}
MINUS = "\N{MINUS SIGN}"


class Versus(NamedTuple):
    """A comparison with the names of its two runs."""

    first: str
    second: str
    comparison: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the page shows; `evaluations` by run name, the parent first; a part without content is left out."""

    evaluations: Mapping[str, Mapping[str, Any]]
    versus: Sequence[Versus] = ()
    preference: Mapping[str, Any] = field(default_factory=dict)


class MeasureRow(NamedTuple):
    """One measure of a suite with each run's value; None where a run lacks it. `paper` is InstructGPT's, for scale.

    `arrow` points to where better is; empty where neither side is.
    """

    label: str
    primary: bool
    arrow: str
    values: list[Result | None]
    paper: str


class GroupTable(NamedTuple):
    """One suite's primary measure by a kind of group, such as category; a row has one rate per run, or None."""

    title: str
    measure: Measure
    rows: list[tuple[str, list[Mapping[str, Any] | None]]]


def write_page(page: Page, path: Path) -> None:
    """Render and write the page in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, render_page(page).encode())


def render_page(page: Page) -> str:
    """Return the page. Text that people or models wrote is escaped; nothing in it loads anything from anywhere."""
    filters: dict[str, Callable[..., Any]] = {
        "value": worded, "number": _number, "change": change_worded, "title": suite_title, "p": p_worded,
    }  # fmt: skip
    return page_template("evaluation_report.html.j2", filters).render(
        page=page,
        names=[run_name(name) for name in page.evaluations],
        headline=headline(page),
        findings=findings(page),
        suites=_suites(page),
        groups=list(_groups(page)),
        versus=[_versus(one, number) for number, one in enumerate(page.versus)],
        times={run_name(n): e["times"]["response_time"] for n, e in page.evaluations.items() if _timed(e)},
        run_name=run_name,
    )


def run_name(name: str) -> str:
    """Return a run as people call it: the last parts of its path that say something."""
    parts = [part for part in Path(name).parts if part not in ("runs", "model", "/", ".")]
    return "/".join(parts[-2:]) or name


def worded(result: Result) -> str:
    """Return a value in its measure's unit."""
    return _number(result.rate.value, result.measure.unit)


def _number(value: float, unit: str) -> str:
    text = f"{100 * value:.1f}\N{NO-BREAK SPACE}%" if unit == "share" else f"{value:.2f}\N{NO-BREAK SPACE}{unit}"
    return text.replace("-", MINUS)


def change_worded(value: float, unit: str) -> str:
    """Return a difference with its sign; of shares in percentage points, without the unit's name."""
    return points(value) if unit == "share" else signed(value, 2)


def p_worded(p: float | None) -> str:
    """Return a p-value as it is printed; one that rounds to zero is not zero."""
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def findings(page: Page) -> list[tuple[str, str]]:
    """Return tone and sentence of every tested difference, the significant ones first."""
    said = []
    for one in page.versus:
        for d in one.comparison.differences:
            if d.adjusted is not None:
                tone = {"better": "good", "worse": "bad"}.get(d.verdict, "neutral")
                said.append((tone, f"{suite_title(d.task)}, {d.measure.label}: {_sentence(d)}"))
    return sorted(said, key=lambda one: one[0] == "neutral")


def _sentence(d: Difference) -> str:
    unit = d.measure.unit
    low, high = change_worded(d.rate.low, unit), change_worded(d.rate.high, unit)
    change = f"{change_worded(d.rate.value, unit)} {'points' if unit == 'share' else unit}"
    return f"{d.verdict}, {change} (95 % interval {low} to {high}, n = {d.rate.n}, adjusted p {p_worded(d.adjusted)})"


def headline(page: Page) -> str:
    """Return what happened in one sentence: how many tested measures got better and worse."""
    tested = [d for one in page.versus for d in one.comparison.differences if d.adjusted is not None]
    if not tested:
        n = len(page.evaluations)
        return f"{n} model{'s' if n != 1 else ''}, measured; nothing was compared."
    better = sum(d.verdict == "better" for d in tested)
    worse = sum(d.verdict == "worse" for d in tested)
    names = ", ".join(run_name(one.second) for one in page.versus)
    against, rest = run_name(page.versus[0].first), len(tested) - better - worse
    counts = f"{better} of {len(tested)} tested measures better, {worse} worse, {rest} without measurable change"
    return f"{names} against {against}: {counts}."


def _suites(page: Page) -> list[dict[str, Any]]:
    found = []
    for suite in dict.fromkeys(name for e in page.evaluations.values() for name in e["suites"]):
        parts = [e["suites"].get(suite) for e in page.evaluations.values()]
        results = [{r.measure.name: r for r in results_of(part)} if part else {} for part in parts]
        names = dict.fromkeys(name for one in results for name in one)
        first = next(part for part in parts if part)
        condition = first.get("condition", "none")
        rows = [_row(f"{suite}/{name}/{condition}", [one.get(name) for one in results]) for name in names]
        notes = [*first["notes"], *(f"{n:,} left out: {why}" for why, n in first["left_out"].items())]
        notes += [f"{n:,} without a value of {m}" for part in parts if part for m, n in part["unscored"].items()]
        notes += [
            f"{part['prompts_cut']:,} prompts lost their beginning" for part in parts if part and part["prompts_cut"]
        ]
        found.append(
            {
                "title": suite_title(suite),
                "rows": rows,
                "source": first["source"],
                "size": first["items"],
                "notes": list(dict.fromkeys(notes)),
                "hash": first["file_sha256"][:12],
            }
        )
    return found


def _row(key: str, values: list[Result | None]) -> MeasureRow:
    measure: Measure = next(v.measure for v in values if v is not None)
    arrow = ARROWS[measure.higher_is_better]
    return MeasureRow(measure.label, measure.primary, arrow, values, PUBLIC_SUITES.get(key, ""))


def _groups(page: Page) -> Iterator[GroupTable]:
    """Yield each suite's first primary measure by category, scenario and so on."""
    suites = [e["suites"] for e in page.evaluations.values()]
    for suite in dict.fromkeys(name for one in suites for name in one):
        parts = [one.get(suite, {}) for one in suites]
        main = next((r.measure for part in parts if part for r in results_of(part) if r.measure.primary), None)
        for kind in dict.fromkeys(k for part in parts for k in part.get("groups", {})):
            by_run = [part.get("groups", {}).get(kind, {}) for part in parts]
            names = sorted({name for one in by_run for name in one})
            if main is not None and len(names) > 1:
                rows = [(name, [one.get(name, {}).get(main.name) for one in by_run]) for name in names]
                yield GroupTable(f"{suite_title(suite)} by {kind}", main, rows)


def _versus(one: Versus, number: int) -> dict[str, Any]:
    chart = difference_dots(one.comparison.differences, name=f"differences{number}")
    by_suite: dict[str, list[Difference]] = {}
    for d in one.comparison.differences:
        by_suite.setdefault(d.task, []).append(d)
    better, worse = (shown_samples(changed) for changed in (one.comparison.better, one.comparison.worse))
    return {
        "first": run_name(one.first),
        "second": run_name(one.second),
        "comparison": one.comparison,
        "by_suite": by_suite,
        "chart": Markup(chart),
        "kinds": [("Better", better), ("Worse", worse)],
    }


def _timed(evaluation: Mapping[str, Any]) -> bool:
    return "response_time" in evaluation.get("times", {})
