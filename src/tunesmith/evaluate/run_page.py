"""Runs compared on one page: what differs, their newest metrics, and their curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from tunesmith.evaluate.charts import LINE_ROLES
from tunesmith.evaluate.figure import new_figure, role, short_label, style_axes, to_svg
from tunesmith.evaluate.page import page_template
from tunesmith.evaluate.run_reading import RunReading, compare_runs
from tunesmith.train.durable import replace_file

# Of little use as curves, and always there.
_LATER = ("train/learning_rate", "train/grad_norm", "train/tokens_per_second")
PLOTS = 12
FEW = 5  # runs that have a column each; more have a row each
MOST_POINTS = 400


def write_run_page(readings: Sequence[RunReading], path: Path) -> None:
    """Render and write the page in one step."""
    names = [reading.path.name for reading in readings]
    if len(set(names)) < len(names):
        names = [str(reading.path) for reading in readings]
    metrics, repeated = _metrics(readings)
    page = page_template("runs.html.j2")
    html = page.render(
        names=names,
        readings=readings,
        comparison=compare_runs(readings),
        plots=[(name, Markup(_plot(readings, names, name, index))) for index, name in enumerate(metrics[:PLOTS])],
        left_out=metrics[PLOTS:],
        repeated=repeated,
        across=len(readings) <= FEW,
        value=_value,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, html.encode())


def _metrics(readings: Sequence[RunReading]) -> tuple[list[str], list[str]]:
    """Return the metrics that have a curve, and those that repeat another metric's curve in every run.

    What most runs have comes first, then validation, then losses; what is always there comes last.
    """
    found = {name for reading in readings for name, curve in reading.curves.items() if len(curve) > 1}
    found |= {name for name in (n for r in readings for n in r.curves) if name.startswith("validation/")}
    ranked = sorted(
        found,
        key=lambda n: (
            any(n.startswith(late) for late in _LATER),
            -sum(n in r.curves for r in readings),
            not n.startswith("validation/"),
            "loss" not in n,
            n,
        ),
    )
    curves: dict[str, str] = {}
    repeated = []
    for name in ranked:
        seen = curves.setdefault(repr([reading.curves.get(name) for reading in readings]), name)
        if seen != name:
            repeated.append(f"{name} (= {seen})")
    return list(curves.values()), repeated


def _plot(readings: Sequence[RunReading], names: Sequence[str], metric: str, index: int) -> str:
    figure = new_figure(4.9, 3.0)
    axes = figure.subplots()
    style_axes(axes, grid="y")
    few = len(readings) <= len(LINE_ROLES)
    for number, (reading, name) in enumerate(zip(readings, names, strict=True)):
        curve = _thinned(reading.curves.get(metric, []))
        if curve:
            steps, values = zip(*curve, strict=True)
            colour = role(LINE_ROLES[number]) if few else role("model-sft")
            axes.plot(
                steps,
                values,
                color=colour,
                linewidth=1.6 if few else 0.9,
                alpha=1.0 if few else 0.45,
                marker="o" if len(curve) == 1 else "",
                label=short_label(name) if few else "_",
            )
    axes.set(xlabel="step")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.spines["left"].set_visible(False)
    if few:
        place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (-0.01, 1.0), "ncols": 3}
        axes.legend(**place, frameon=False, fontsize=8, labelcolor=role("ink"))
    return to_svg(figure, name=f"run{index}", label=f"{metric} over steps")


def _thinned(curve: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Return at most some hundred points, the last one among them: more cannot be seen."""
    every = -(-len(curve) // MOST_POINTS)
    return curve if every <= 1 else [*curve[:-1:every], curve[-1]]


def _value(value: Any) -> str:
    match value:
        case None:
            return "–"
        case float():
            return f"{value:.4g}"
        case list() | tuple():
            return ", ".join(map(_value, value)) or "none"
        case _:
            return str(value)
