"""Paired differences as dots with intervals around zero, right is better whichever way the measure points."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.evaluate.charts import WHISKER
from tunesmith.evaluate.comparison import Difference
from tunesmith.evaluate.figure import new_figure, role, short_label, style_axes, to_svg


def difference_dots(differences: Sequence[Difference], *, name: str) -> str:
    """Return one row per tested measure in points (shares) or its own unit, coloured by the verdict."""
    shown = [d for d in differences if d.adjusted is not None]
    figure = new_figure(9.4, 0.8 + 0.36 * max(1, len(shown)))
    axes = figure.subplots()
    style_axes(axes, grid="x")
    axes.axvline(0.0, color=role("ink"), linewidth=1.2, linestyle=(0, (4, 3)))
    colours = {"better": role("good"), "worse": role("bad")}
    for place, d in enumerate(shown):
        sign = 1.0 if d.measure.higher_is_better else -1.0
        scale = sign * (100.0 if d.measure.unit == "share" else 1.0)
        value = scale * d.rate.value
        ends = sorted((scale * d.rate.low, scale * d.rate.high))
        colour = colours.get(d.verdict, role("muted"))
        reach = [[max(0.0, value - ends[0])], [max(0.0, ends[1] - value)]]
        axes.errorbar([value], [place], xerr=reach, ecolor=colour, **WHISKER)
        axes.plot([value], [place], "o", color=colour, markersize=6)
    labels = [short_label(f"{d.task}: {d.measure.label}") for d in shown]
    axes.set_yticks(range(len(shown)), labels, color=role("ink"))
    axes.set(ylim=(max(1, len(shown)) - 0.5, -0.5), xlabel="change, right is better (points of a share, or the unit)")
    axes.spines[["left", "bottom"]].set_visible(False)
    return to_svg(figure, name=name, label="Paired differences with 95 % intervals")
