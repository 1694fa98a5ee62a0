"""The report's charts, each from `results.json` alone; every bar and dot carries its 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from tunesmith.evaluate.figure import model_role, new_figure, role, short_label, style_axes, to_svg
from tunesmith.evaluate.overoptimisation import FORMS
from tunesmith.evaluate.results import ModelResult, OveroptimisationResult, Reliability, WinRateResult
from tunesmith.evaluate.wording import MODEL_NAMES, in_order, model_name, pair_name, sample_size
from tunesmith.statistics.rates import Rate

WHISKER: dict[str, Any] = {"fmt": "none", "capsize": 2.5, "elinewidth": 1.2, "capthick": 1.2}


class Panel(NamedTuple):
    """One plot of training metrics: named lines of (step, value)."""

    title: str
    y_label: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


def _reach(rates: Sequence[Rate]) -> list[list[float]]:
    # Rounding can put a bound a hair inside its value; matplotlib refuses negative lengths.
    return [[max(0.0, r.value - r.low) for r in rates], [max(0.0, r.high - r.value) for r in rates]]


def rate_bars(rates: Mapping[str, Rate], *, name: str, label: str) -> str:
    """Return horizontal bars, one per model key, from 0 to 100 %, or to 20 % where all intervals end below that."""
    keys = in_order(rates)
    shown = [rates[key] for key in keys]
    end = 1.0 if max(rate.high for rate in shown) > 0.2 else 0.2
    figure = new_figure(3.7, 0.45 + 0.36 * len(keys))
    axes = figure.subplots()
    style_axes(axes, grid="x")
    places = np.arange(len(keys))
    axes.barh(places, [r.value for r in shown], height=0.58, color=[model_role(key) for key in keys])
    axes.errorbar([r.value for r in shown], places, xerr=_reach(shown), ecolor=role("ink"), **WHISKER)
    for place, rate in zip(places, shown, strict=True):
        text = f"{100 * rate.value:.1f} %"
        axes.annotate(text, (1.27 * end, place), ha="right", va="center", color=role("ink"), size=9.5)
    axes.set(xlim=(0, 1.27 * end), ylim=(len(keys) - 0.5, -0.5))
    axes.set_yticks(places, [short_label(model_name(key)) for key in keys], color=role("ink"))
    axes.set_xticks([0, end / 2, end], ["0", f"{50 * end:g}", f"{100 * end:g} %"])
    axes.spines[["left", "bottom"]].set_visible(False)
    return to_svg(figure, name=name, label=label)


def task_dots(models: Mapping[str, ModelResult]) -> str:
    """Return success by task: a row per task, a dot with its interval per model."""
    keys = [key for key in in_order(models) if models[key].by_task]
    tasks = sorted({task for key in keys for task in models[key].by_task})
    figure = new_figure(9.4, 0.9 + (0.16 + 0.1 * len(keys)) * len(tasks))
    axes = figure.subplots()
    style_axes(axes, grid="x")
    step = 0.7 / max(1, len(keys))
    for index, key in enumerate(keys):
        rows = [(row, models[key].by_task[task]) for row, task in enumerate(tasks) if task in models[key].by_task]
        places = [row + (index - (len(keys) - 1) / 2) * step for row, _ in rows]
        rates = [rate for _, rate in rows]
        colour = model_role(key)
        axes.errorbar([r.value for r in rates], places, xerr=_reach(rates), ecolor=colour, **WHISKER)
        axes.plot([r.value for r in rates], places, "o", color=colour, markersize=5, label=short_label(model_name(key)))
    for row in range(1, len(tasks)):
        axes.axhline(row - 0.5, color=role("grid"), linewidth=0.8)
    axes.set(xlim=(-0.02, 1.02), ylim=(len(tasks) - 0.5, -0.5))
    axes.set_yticks(range(len(tasks)), [_task_label(task, models) for task in tasks], color=role("ink"))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.spines[["left", "bottom"]].set_visible(False)
    add_legend(axes, columns=len(keys))
    return to_svg(figure, name="tasks", label="Task success by task and model")


def _task_label(task: str, models: Mapping[str, ModelResult]) -> str:
    rates = [model.by_task[task] for model in models.values() if task in model.by_task]
    return f"{short_label(task.replace('_', ' '))}  ({sample_size(rates)})"


def win_rate_dots(win_rates: Mapping[str, WinRateResult]) -> str:
    """Return each pair's win rate by the gold judge (dot) and the held-out labelers (diamond) against the 50 % line."""
    figure = new_figure(9.4, 0.8 + 0.46 * len(win_rates))
    axes = figure.subplots()
    style_axes(axes, grid="x")
    axes.axvline(0.5, color=role("ink"), linewidth=1.2, linestyle=(0, (4, 3)))
    panels = (
        ("gold", "o", "Gold judge", -0.14, "model-ppo-ptx"),
        ("labelers", "D", "Held-out labelers", 0.14, "model-sft"),
    )
    for field, marker, label, shift, colour in panels:
        rates = [getattr(result, field) for result in win_rates.values()]
        rows = [(row + shift, rate) for row, rate in enumerate(rates) if rate is not None]
        if not rows:
            continue
        values = [rate.value for _, rate in rows]
        places = [place for place, _ in rows]
        reach = _reach([rate for _, rate in rows])
        axes.errorbar(values, places, xerr=reach, ecolor=role(colour), **WHISKER)
        axes.plot(values, places, marker, color=role(colour), markersize=6, label=label)
        for place, rate in rows:
            shown = f"{100 * rate.value:.1f} %"
            axes.annotate(shown, (rate.high + 0.012, place), va="center", color=role("ink"), size=9)
    axes.set(xlim=(0, 1.08), ylim=(len(win_rates) - 0.5, -0.5))
    names = [f"{short_label(pair_name(key))}  ({sample_size([result.gold])})" for key, result in win_rates.items()]
    axes.set_yticks(range(len(win_rates)), names, color=role("ink"))
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25", "50", "75", "100 %"])
    axes.spines[["left", "bottom"]].set_visible(False)
    add_legend(axes, columns=2)
    return to_svg(figure, name="wins", label="Win rates with 95 % intervals")


def calibration_plot(rows: Sequence[Reliability]) -> str:
    """Return observed agreement against predicted confidence; dots on the diagonal mean what they say."""
    figure = new_figure(4.9, 3.4)
    axes = figure.subplots()
    style_axes(axes, grid="both")
    axes.plot([0.5, 1], [0.5, 1], color=role("muted"), linewidth=1.2, linestyle=(0, (4, 3)))
    rates = [row.observed for row in rows]
    predicted = [row.predicted for row in rows]
    observed = [rate.value for rate in rates]
    colour = model_role("sft")
    axes.errorbar(predicted, observed, yerr=_reach(rates), ecolor=colour, **WHISKER)
    biggest = max(row.pairs for row in rows)
    axes.scatter(predicted, observed, [18 + 90 * row.pairs / biggest for row in rows], color=colour, zorder=3)
    axes.set(xlim=(0.48, 1.02), ylim=(min(0.38, *(r.low - 0.02 for r in rates)), 1.03))
    axes.set(xlabel="predicted: σ(margin)", ylabel="observed: labelers agree")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    return to_svg(figure, name="calibration", label="Reward-model calibration")


LINE_ROLES = ("model-ppo-ptx", "model-sft", "model-ppo", "model-base-large", "muted")


def _line_colour(label: str, index: int) -> str:
    """A line named after a model has that model's colour, as everywhere on the page."""
    keys = {name: key for key, name in MODEL_NAMES.items()}
    return model_role(keys[label]) if label in keys else role(LINE_ROLES[index % len(LINE_ROLES)])


def line_plot(panel: Panel, *, name: str) -> str:
    """Return the panel's lines over steps."""
    figure = new_figure(4.9, 3.0)
    axes = figure.subplots()
    style_axes(axes, grid="y")
    for index, (label, points) in enumerate(panel.lines.items()):
        steps, values = [p[0] for p in points], [p[1] for p in points]
        colour = _line_colour(label, index)
        axes.plot(
            steps, values, color=colour, linewidth=1.8, label=short_label(label), marker="o" if len(points) == 1 else ""
        )
    axes.set(xlabel="step", ylabel=short_label(panel.y_label))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.spines["left"].set_visible(False)
    if len(panel.lines) > 1:
        add_legend(axes, columns=3)
    return to_svg(figure, name=name, label=panel.title)


def tax_bars(tax: Mapping[str, float]) -> str:
    """Return nats per token lost on documents against the base, one bar per model key."""
    keys = in_order(tax)
    values = [tax[key] for key in keys]
    figure = new_figure(4.9, 0.95 + 0.4 * len(keys))
    axes = figure.subplots()
    style_axes(axes, grid="x")
    axes.barh(range(len(keys)), values, height=0.58, color=[model_role(key) for key in keys])
    axes.axvline(0.0, color=role("ink"), linewidth=1.0)
    widest = max(*(abs(v) for v in values), 1e-3)
    for place, value in enumerate(values):
        side = 1 if value >= 0 else -1
        text = f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")
        align = "left" if side > 0 else "right"
        axes.annotate(text, (value + side * 0.03 * widest, place), ha=align, va="center", color=role("ink"), size=9.5)
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    axes.set(xlim=(low - (0.3 * widest if low < 0 else 0), high + 0.3 * widest), ylim=(len(keys) - 0.5, -0.5))
    axes.set_yticks(range(len(keys)), [short_label(model_name(key)) for key in keys], color=role("ink"))
    axes.set_xlabel("nats per token lost on held-out documents")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.spines[["left", "bottom"]].set_visible(False)
    return to_svg(figure, name="tax", label="Alignment tax on documents")


def overoptimisation_plot(result: OveroptimisationResult) -> str:
    """Return proxy and gold gains over KL with the fitted gold curve and its peak."""
    figure = new_figure(9.4, 3.6)
    axes = figure.subplots()
    style_axes(axes, grid="both")
    rows = sorted(result.points, key=lambda p: p.kl)
    kl = [p.kl for p in rows]
    axes.plot(
        kl, [p.proxy for p in rows], "o--", color=model_role("ppo"), markersize=5, linewidth=1.2, label="Proxy score"
    )
    axes.plot(kl, [p.gold for p in rows], "o", color=model_role("ppo_ptx"), markersize=6, label="Gold score")
    if result.fit is not None:
        d = np.sqrt(np.linspace(0.0, max(kl), 200))
        fitted = FORMS[result.fit.method](d, result.fit.alpha, result.fit.beta)
        axes.plot(d**2, fitted, color=model_role("ppo_ptx"), linewidth=1.8, label="Gold score, fitted")
        if result.fit.reached and result.fit.peak_kl is not None:
            axes.axvline(result.fit.peak_kl, color=role("bad"), linewidth=1.2, linestyle=(0, (4, 3)))
            spot = (result.fit.peak_kl, 1.0)
            text = f"over-optimisation from {result.fit.peak_kl:.1f} nats"
            axes.annotate(
                text,
                spot,
                xycoords=("data", "axes fraction"),
                xytext=(6, -2),
                textcoords="offset points",
                va="top",
                color=role("bad"),
                size=9,
            )
    axes.set(xlabel="KL from the initial policy, nats per completion", ylabel="gain over the initial policy")
    add_legend(axes, columns=3)
    return to_svg(figure, name="overoptimisation", label="Gold and proxy score over KL")


def add_legend(axes: Axes, *, columns: int) -> None:
    """Put the legend above the axes, without a frame."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=columns,
        frameon=False,
        fontsize=9,
        labelcolor=role("ink"),
        handletextpad=0.4,
        columnspacing=1.4,
        borderaxespad=0.2,
    )
