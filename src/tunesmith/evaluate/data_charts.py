"""The charts of the report on a data set, from the checks' plot data alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tunesmith.evaluate.figure import new_figure, role, short_label, style_axes, to_svg

SEVERITY_ROLES: Mapping[str, str] = {"error": "bad", "warning": "model-ppo", "note": "muted"}
MOST_BARS = 24


class KindBar(NamedTuple):
    """One kind of finding: rows it occurs in, and its severity."""

    kind: str
    rows: int
    severity: str


def kind_bars(bars: Sequence[KindBar]) -> str:
    """Return rows by kind of finding, the 24 most frequent, coloured by severity; the scale is logarithmic."""
    shown = sorted(bars, key=lambda bar: -bar.rows)[:MOST_BARS]
    figure = new_figure(9.4, 0.6 + 0.3 * len(shown))
    axes = figure.subplots()
    style_axes(axes, grid="x")
    places = np.arange(len(shown))
    axes.barh(places, [bar.rows for bar in shown], height=0.62, color=[role(SEVERITY_ROLES[b.severity]) for b in shown])
    for place, bar in enumerate(shown):
        axes.annotate(f" {bar.rows:,}", (bar.rows, place), va="center", color=role("ink"), size=9)
    axes.set_xscale("log")
    axes.set(xlim=(0.7, 4 * max(bar.rows for bar in shown)), ylim=(len(shown) - 0.5, -0.5))
    axes.set_yticks(places, [short_label(bar.kind) for bar in shown], color=role("ink"))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.minorticks_off()
    axes.set_xlabel("rows (logarithmic)")
    axes.spines[["left", "bottom"]].set_visible(False)
    return to_svg(figure, name="kinds", label="Rows by kind of finding")


def token_lengths(data: Mapping[str, Any]) -> str:
    """Return the histogram of row lengths in tokens with the line of max_length."""
    width, bins = data["bin_tokens"], data["bins"]
    figure = new_figure(9.4, 2.9)
    axes = figure.subplots()
    style_axes(axes, grid="y")
    limit = data["max_length"]
    # A few very long rows would squeeze all others into one bar: the last bar holds them.
    last = max(2 * limit // width, 1)
    heights: dict[int, int] = {}
    for index, count in bins:
        heights[min(index, last)] = heights.get(min(index, last), 0) + count
    over = [index * width >= limit for index in heights]
    colours = [role("bad") if beyond else role("model-sft") for beyond in over]
    axes.bar([(i + 0.5) * width for i in heights], list(heights.values()), width=0.9 * width, color=colours)
    axes.axvline(limit, color=role("ink"), linewidth=1.2, linestyle=(0, (4, 3)))
    axes.annotate(
        f" max_length {limit}", (limit, 1.0), xycoords=("data", "axes fraction"), va="top", color=role("ink"), size=9
    )
    axes.set(xlabel=f"tokens of a row (the last bar: {last * width:,} or more)", ylabel="rows")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.spines["left"].set_visible(False)
    return to_svg(figure, name="token-lengths", label="Row lengths in tokens")


# Name in `CheckResult.plots` -> what draws it. Loss masks are text and stand in the page's template.
DRAWN: Mapping[str, Callable[[Mapping[str, Any]], str]] = {"token_lengths": token_lengths}
