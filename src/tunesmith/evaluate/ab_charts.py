"""The curves of an A/B test: how the difference narrowed, and how the evidence grew."""

from __future__ import annotations

import math

from matplotlib.ticker import MaxNLocator

from tunesmith.evaluate.charts import LINE_ROLES, add_legend
from tunesmith.evaluate.figure import new_figure, role, short_label, style_axes, to_svg
from tunesmith.statistics.ab_test import MetricResult
from tunesmith.statistics.sequential import ALPHA


def difference_curve(result: MetricResult, *, name: str) -> str:
    """Return the difference of each arm to the control over people, with the band that holds at every look at once."""
    figure = new_figure(4.9, 3.0)
    axes = figure.subplots()
    style_axes(axes, grid="y")
    axes.axhline(0.0, color=role("ink"), linewidth=1.1, linestyle=(0, (4, 3)))
    for index, comparison in enumerate(result.comparisons):
        found = [(point.people, point.difference) for point in comparison.curve if point.difference is not None]
        if not found:
            continue
        people = [n for n, _ in found]
        colour = role(LINE_ROLES[index % len(LINE_ROLES)])
        axes.fill_between(people, [d.low for _, d in found], [d.high for _, d in found], color=colour, alpha=0.16, lw=0)
        axes.plot(people, [d.value for _, d in found], color=colour, linewidth=1.8, label=short_label(comparison.arm))
    axes.set(xlabel="people", ylabel=short_label(f"{result.metric.name}: arm minus control"))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.spines["left"].set_visible(False)
    if len(result.comparisons) > 1:
        add_legend(axes, columns=3)
    return to_svg(figure, name=name, label=f"Difference in {result.metric.name} over people")


def evidence_curve(result: MetricResult, *, name: str) -> str:
    """Return the evidence against "no difference" over people on a logarithmic scale, with the line that decides."""
    figure = new_figure(4.9, 3.0)
    axes = figure.subplots()
    style_axes(axes, grid="y")
    line = math.log10(len(result.comparisons) / ALPHA)
    axes.axhline(line, color=role("good"), linewidth=1.2, linestyle=(0, (4, 3)))
    axes.annotate(
        f"decided: {10**line:.0f} to 1",
        (0, line),
        xycoords=("axes fraction", "data"),
        xytext=(2, 3),
        textcoords="offset points",
        color=role("good"),
        size=9,
    )
    for index, comparison in enumerate(result.comparisons):
        people = [point.people for point in comparison.curve]
        colour = role(LINE_ROLES[index % len(LINE_ROLES)])
        label = short_label(comparison.arm)
        axes.plot(people, [p.log10_e for p in comparison.curve], color=colour, linewidth=1.8, label=label)
    low, high = axes.get_ylim()
    axes.set(xlabel="people", ylabel="evidence, times (log)", ylim=(min(low, -1.0), max(high, line + 0.5)))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(lambda value, _position: f"{10.0**value:,.4g}")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.spines["left"].set_visible(False)
    if len(result.comparisons) > 1:
        add_legend(axes, columns=3)
    return to_svg(figure, name=name, label=f"Evidence in {result.metric.name} over people")
