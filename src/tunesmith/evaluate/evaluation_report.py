"""One self-contained page about several evaluations: what was measured, what changed against the parent, samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from tunesmith.evaluate.comparison import Changed, Comparison, Difference
from tunesmith.evaluate.difference_chart import difference_dots
from tunesmith.evaluate.evaluation import Result, results_of
from tunesmith.evaluate.instructgpt import PUBLIC_SUITES
from tunesmith.evaluate.page import page_template
from tunesmith.evaluate.scorer import Measure, Written
from tunesmith.train.durable import replace_file

LONGEST = 1200  # characters of a text on the page


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
    """One measure of a suite with each run's value; None where a run lacks it. `paper` is InstructGPT's, for scale."""

    label: str
    primary: bool
    better: str
    values: list[Result | None]
    paper: str


def write_page(page: Page, path: Path) -> None:
    """Render and write the page in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, render_page(page).encode())


def render_page(page: Page) -> str:
    """Return the page. Text that people or models wrote is escaped; nothing in it loads anything from anywhere."""
    filters: dict[str, Callable[..., Any]] = {"value": worded, "short": shortened, "number": _number}
    return page_template("evaluation_report.html.j2", filters).render(
        page=page,
        names=[run_name(name) for name in page.evaluations],
        headline=headline(page),
        findings=findings(page),
        suites=_suites(page),
        versus=[_versus(one, number) for number, one in enumerate(page.versus)],
        times={run_name(n): e["times"]["response_time"] for n, e in page.evaluations.items() if _timed(e)},
        text_of=_text_of,
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
    return f"{100 * value:.1f} %" if unit == "share" else f"{value:.2f} {unit}"


def shortened(text: str) -> str:
    """Return the text, its middle left out where it is very long; how much is left out is said."""
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters …]\n{text[-half:]}"


def findings(page: Page) -> list[tuple[str, str]]:
    """Return tone and sentence of every tested difference, the significant ones first."""
    said = []
    for one in page.versus:
        for d in one.comparison.differences:
            if d.adjusted is not None:
                tone = {"better": "good", "worse": "bad"}.get(d.verdict, "neutral")
                said.append((tone, f"{d.task}, {d.measure.label}: {_sentence(d)}"))
    return sorted(said, key=lambda one: one[0] == "neutral")


def _sentence(d: Difference) -> str:
    scale, unit = (100.0, "points") if d.measure.unit == "share" else (1.0, d.measure.unit)
    span = f"95 % interval {scale * d.rate.low:+.2f} to {scale * d.rate.high:+.2f}"
    change = f"{scale * d.rate.value:+.2f} {unit} ({span}, n = {d.rate.n}, adjusted p {d.adjusted:.3f})"
    return f"{d.verdict}, {change}".replace("-", "\N{MINUS SIGN}")


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
        rows = [_row(suite, name, [one.get(name) for one in results]) for name in names]
        first = next(part for part in parts if part)
        notes = [*first["notes"], *(f"{n:,} left out: {why}" for why, n in first["left_out"].items())]
        notes += [f"{n:,} without a value of {m}" for part in parts if part for m, n in part["unscored"].items()]
        notes += [
            f"{part['prompts_cut']:,} prompts lost their beginning" for part in parts if part and part["prompts_cut"]
        ]
        found.append(
            {
                "name": suite,
                "rows": rows,
                "source": first["source"],
                "items": first["items"],
                "notes": list(dict.fromkeys(notes)),
                "hash": first["file_sha256"][:12],
            }
        )
    return found


def _row(suite: str, name: str, values: list[Result | None]) -> MeasureRow:
    measure: Measure = next(v.measure for v in values if v is not None)
    better = "higher" if measure.higher_is_better else "lower"
    return MeasureRow(measure.label, measure.primary, better, values, PUBLIC_SUITES.get(f"{suite}/{name}", ""))


def _versus(one: Versus, number: int) -> dict[str, Any]:
    chart = difference_dots(one.comparison.differences, name=f"differences{number}")
    return {
        "first": run_name(one.first),
        "second": run_name(one.second),
        "comparison": one.comparison,
        "chart": Markup(chart),
        "kinds": [("Better", one.comparison.better), ("Worse", one.comparison.worse)],
    }


def _text_of(changed: Changed, side: str) -> str:
    response = (changed.first if side == "first" else changed.second).response
    assert isinstance(response, Written)
    return response.texts[0]


def _timed(evaluation: Mapping[str, Any]) -> bool:
    return "response_time" in evaluation.get("times", {})
