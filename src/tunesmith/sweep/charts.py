"""The sweep report's charts: curves of every trial, each key against the result, and what explains the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter

from tunesmith.evaluate.figure import new_figure, role, short_label, style_axes, to_svg
from tunesmith.sweep.results import SweepResult, TrialResult
from tunesmith.sweep.space import Choices, Dimension

BEST, GIVEN, OTHER = "model-ppo-ptx", "model-sft", "muted"


def curves(result: SweepResult) -> str:
    """Return the metric over steps: every trial thin, the best and the given values strong."""
    figure = new_figure(9.4, 3.6)
    axes = figure.subplots()
    style_axes(axes, grid="y")
    for trial in result.trials:
        if trial.points and (result.best is None or trial.name != result.best.name):
            style = ":" if trial.state == "pruned" else "-"
            _curve(axes, trial, OTHER, style=style, width=0.9, alpha=0.65)
    if result.baseline is not None and result.baseline.points:
        _curve(axes, result.baseline, GIVEN, style="-", width=2.0, label="as given")
    if result.best is not None:
        _curve(axes, result.best, BEST, style="-", width=2.4, label=f"best, trial {result.best.name}")
    _focus(axes, result)
    axes.set(xlabel="step", ylabel=short_label(result.metric))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.spines["left"].set_visible(False)
    legend(axes)
    return to_svg(figure, name="curves", label=f"{result.metric} over steps, by trial")


def _curve(
    axes: Axes, trial: TrialResult, colour: str, *, style: str, width: float, alpha: float = 1.0, label: str = ""
) -> None:
    steps, values = zip(*trial.points, strict=True)
    marker = "o" if len(steps) == 1 else ""
    options: dict[str, Any] = {"label": label} if label else {}
    axes.plot(steps, values, style, color=role(colour), linewidth=width, alpha=alpha, marker=marker, **options)


def _focus(axes: Axes, result: SweepResult) -> None:
    """Keep a diverged trial from pressing all others into one line: show what lies within five times the usual."""
    values = sorted(t.value for t in result.trials if t.value is not None)
    if len(values) < 3:
        return
    middle, edge = values[len(values) // 2], values[-1] if result.larger_is_better else values[0]
    reach = 5 * abs(middle - edge)
    if not reach:
        return
    low, high = axes.get_ylim()
    # A line that lies wholly outside would leave a stub at the edge: where each trial ended stays in sight.
    near = [value for value in values if abs(value - edge) <= 2 * reach]
    room = 0.05 * reach
    if result.larger_is_better:
        axes.set_ylim(max(low, min(edge - reach, near[0] - room)), high)
    else:
        axes.set_ylim(low, min(high, max(edge + reach, near[-1] + room)))


def key_plots(result: SweepResult, space: Sequence[Dimension]) -> list[tuple[str, str]]:
    """Return (key, SVG) for each key of the sweep: its values against the metric."""
    return [(d.key, _key_plot(result, d, index)) for index, d in enumerate(space)]


def _key_plot(result: SweepResult, dimension: Dimension, index: int) -> str:
    figure = new_figure(3.9, 2.7)
    axes = figure.subplots()
    style_axes(axes, grid="y")
    scored = [t for t in result.trials if t.value is not None and t.state == "finished"]
    values = [t.value for t in scored if t.value is not None]
    if isinstance(dimension, Choices):
        labels = [str(v) for v in dimension.values]
        places: list[float] = [dimension.values.index(_plain(t.values[dimension.key])) for t in scored]
        axes.set_xticks(range(len(labels)), [short_label(label) for label in labels])
        axes.set_xlim(-0.5, len(labels) - 0.5)
    else:
        places = [float(t.values[dimension.key]) for t in scored]
        if dimension.log:
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0e}".replace("e-0", "e-"))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.tick_params(axis="x", labelrotation=30)
    axes.scatter(places, values, 26, color=role(OTHER), alpha=0.8)
    if result.best is not None and result.best in scored:
        spot = scored.index(result.best)
        axes.scatter([places[spot]], [values[spot]], 60, color=role(BEST), zorder=3)
    axes.set(xlabel=short_label(dimension.key.rpartition(".")[2]), ylabel=short_label(result.metric))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.spines["left"].set_visible(False)
    return to_svg(figure, name=f"key{index}", label=f"{result.metric} by {dimension.key}")


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def importance_bars(importance: Mapping[str, float]) -> str:
    """Return the share of the result that each key explains."""
    keys = list(importance)
    figure = new_figure(6.4, 0.5 + 0.4 * len(keys))
    axes = figure.subplots()
    style_axes(axes, grid="x")
    axes.barh(range(len(keys)), [importance[key] for key in keys], height=0.55, color=role(BEST))
    for place, key in enumerate(keys):
        text = f"{100 * importance[key]:.0f} %"
        axes.annotate(text, (importance[key] + 0.01, place), va="center", color=role("ink"), size=9.5)
    axes.set(xlim=(0, 1.12), ylim=(len(keys) - 0.5, -0.5))
    axes.set_yticks(range(len(keys)), [short_label(key.rpartition(".")[2]) for key in keys], color=role("ink"))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
    axes.spines[["left", "bottom"]].set_visible(False)
    return to_svg(figure, name="importance", label="What explains the result")


def legend(axes: Axes) -> None:
    """Put the names of the strong lines above the plot, where there are any."""
    if axes.get_legend_handles_labels()[1]:
        place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (-0.01, 1.0), "ncols": 3}
        axes.legend(**place, frameon=False, fontsize=9, labelcolor=role("ink"), handletextpad=0.5)
