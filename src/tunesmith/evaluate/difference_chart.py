"""Paired differences as dots with intervals around zero, right is better whichever way the measure points."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from tunesmith.evaluate.charts import WHISKER
from tunesmith.evaluate.comparison import Difference
from tunesmith.evaluate.figure import new_figure, role, short_label, style_axes, to_svg
from tunesmith.evaluate.wording import suite_title

ROW, MARGIN = 0.5, 0.75  # inches of a row, and of what stands below a panel
COLOURS = {"better": "good", "worse": "bad"}


def difference_dots(differences: Sequence[Difference], *, name: str) -> str:
    """Return a row per tested measure, coloured by the verdict; measures of another unit have a panel of their own."""
    units: dict[str, list[Difference]] = {}
    for d in differences:
        if d.adjusted is not None:
            units.setdefault(d.measure.unit, []).append(d)
    heights = [MARGIN + ROW * len(shown) for shown in units.values()]
    figure = new_figure(9.4, sum(heights))
    panels = figure.subplots(len(units), 1, squeeze=False, gridspec_kw={"height_ratios": heights})
    for axes, (unit, shown) in zip(panels[:, 0], units.items(), strict=True):
        _panel(axes, unit, shown)
    figure.align_ylabels()
    return to_svg(figure, name=name, label="Paired differences with 95 % intervals")


def _panel(axes: Axes, unit: str, shown: Sequence[Difference]) -> None:
    style_axes(axes, grid="x")
    axes.axvline(0.0, color=role("ink"), linewidth=1.2, linestyle=(0, (4, 3)))
    furthest = 0.0
    for place, d in enumerate(shown):
        scale = (1.0 if d.measure.higher_is_better else -1.0) * (100.0 if unit == "share" else 1.0)
        value, ends = scale * d.rate.value, sorted((scale * d.rate.low, scale * d.rate.high))
        furthest = max(furthest, abs(ends[0]), abs(ends[1]))
        colour = role(COLOURS.get(d.verdict, "muted"))
        reach = [[max(0.0, value - ends[0])], [max(0.0, ends[1] - value)]]
        axes.errorbar([value], [place], xerr=reach, ecolor=colour, **WHISKER)
        axes.plot([value], [place], "o", color=colour, markersize=6)
    labels = [f"{short_label(suite_title(d.task))}\n{short_label(d.measure.label)}" for d in shown]
    axes.set_yticks(range(len(shown)), labels, color=role("ink"))
    side = 1.08 * furthest or 1.0
    what = "percentage points" if unit == "share" else unit
    axes.set(ylim=(len(shown) - 0.5, -0.5), xlim=(-side, side), xlabel=f"change in {what}; right is better")
    axes.spines[["left", "bottom"]].set_visible(False)
