"""The charts of the checks of a whole data set: distributions with their limits, the map of rows, shares of kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tunesmith.evaluate.figure import new_figure, role, short_label, style_axes, to_svg

MOST_BARS = 12
ROUND_NUMBERS = [0, *(digit * 10**power for power in range(8) for digit in (1, 2, 5))]
MAP_COLOURS = ("model-sft", "model-ppo", "model-ppo-ptx", "model-base-large", "bad")


def distribution(data: Mapping[str, Any], *, name: str, label: str, words: bool = False) -> str:
    """Return a histogram with the limits beyond which a row is an outlier; `words`: values are ln(1 + words)."""
    figure, axes = _axes(2.2, grid="y")
    edges, low, high = np.asarray(data["edges"]), data["low"], data["high"]
    middle = (edges[1:] + edges[:-1]) / 2
    far = (middle < (-np.inf if low is None else low)) | (middle > (np.inf if high is None else high))
    colours = [role("bad") if beyond else role("model-sft") for beyond in far]
    axes.bar(middle, data["counts"], width=0.92 * np.diff(edges), color=colours)
    for limit in (low, high):
        if limit is not None and edges[0] <= limit <= edges[-1]:
            axes.axvline(limit, color=role("ink"), linewidth=1.2, linestyle=(0, (4, 3)))
    if words:
        ticks = [n for n in ROUND_NUMBERS if edges[0] <= np.log1p(n) <= edges[-1]]
        axes.set_xticks(np.log1p(ticks), [f"{n:,}" for n in ticks])
    # A few outliers beside thousands of rows are under a pixel high on a linear scale.
    axes.set_yscale("symlog", linthresh=1)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.minorticks_off()
    beyond = "red, beyond the dashed lines: outliers" if any(far) else "no row is an outlier"
    axes.set(xlabel=f"{label}; {beyond}", ylabel="rows (logarithmic)")
    return to_svg(figure, name=name, label=label)


def nearest(data: Mapping[str, Any]) -> str:
    """Return the histogram of each row's similarity to the row that is most like it."""
    figure, axes = _axes(2.2, grid="y")
    edges = np.asarray(data["edges"])
    axes.bar((edges[1:] + edges[:-1]) / 2, data["counts"], width=0.92 * np.diff(edges), color=role("model-sft"))
    axes.set(xlabel="cosine similarity to the most similar other row (1: the same words)", ylabel="rows")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    return to_svg(figure, name="nearest", label="Similarity to the nearest row")


def cluster_sizes(data: Mapping[str, Any]) -> str:
    """Return how many clusters of repeats have how many rows; empty where there is none."""
    if not data["size"]:
        return ""
    figure, axes = _axes(2.2, grid="y")
    shown = list(zip(data["size"], data["clusters"], strict=True))
    labels = [f"{size:,}" for size, _ in shown[:MOST_BARS]]
    heights = [count for _, count in shown[:MOST_BARS]]
    if len(shown) > MOST_BARS:
        labels[-1] += "+"
        heights[-1] = sum(count for _, count in shown[MOST_BARS - 1 :])
    bars = axes.bar(range(len(heights)), heights, width=min(0.8, 0.12 * len(heights)), color=role("model-ppo"))
    axes.bar_label(bars, [f"{height:,}" for height in heights], color=role("ink"), fontsize=9, padding=2)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlim(-0.75, max(len(labels) - 0.25, 3.75))
    axes.set(xlabel="rows in a cluster of repeats", ylabel="clusters", ylim=(0, 1.18 * max(heights)))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    return to_svg(figure, name="cluster-sizes", label="Clusters of repeated rows by size")


def row_map(data: Mapping[str, Any]) -> str:
    """Return the compared rows in two dimensions; the largest clusters have colours, the others are grey."""
    figure, axes = _axes(4.6, grid="both")
    x, y, cluster = (np.asarray(data[key]) for key in ("x", "y", "cluster"))
    numbers, counts = np.unique(cluster, return_counts=True)
    largest = numbers[np.argsort(-counts, kind="stable")][: len(MAP_COLOURS)]
    rest = ~np.isin(cluster, largest)
    axes.scatter(x[rest], y[rest], s=11, color=role("muted"), alpha=0.45, linewidths=0, label="other clusters")
    for number, colour in zip(largest.tolist(), MAP_COLOURS, strict=False):
        own = cluster == number
        axes.scatter(x[own], y[own], s=13, color=role(colour), alpha=0.8, linewidths=0, label=f"cluster {number + 1}")
    axes.set(xlabel="first principal component", ylabel="second")
    legend = axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=9, ncols=len(MAP_COLOURS) + 1
    )
    for text in legend.get_texts():
        text.set_color(role("ink"))
    return to_svg(figure, name="map", label="The rows in two dimensions, by cluster")


def shares(data: Mapping[str, int], *, name: str, label: str) -> str:
    """Return bars of sampled rows by kind, the 12 most frequent."""
    shown = sorted(data.items(), key=lambda item: -item[1])[:MOST_BARS]
    figure, axes = _axes(0.7 + 0.28 * len(shown), grid="x")
    places = np.arange(len(shown))
    axes.barh(places, [count for _, count in shown], height=0.62, color=role("model-sft"))
    for place, (_, count) in enumerate(shown):
        axes.annotate(f" {count:,}", (count, place), va="center", color=role("ink"), size=9)
    axes.set_yticks(places, [short_label(kind.replace("_", " ")) for kind, _ in shown], color=role("ink"))
    axes.set(ylim=(len(shown) - 0.5, -0.5), xlabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return to_svg(figure, name=name, label=label)


def links(data: Mapping[str, Any]) -> str:
    """Return two histograms, in shares: how alike an answer is to its own question, and to those of others."""
    figure, axes = _axes(2.4, grid="y")
    for key, colour, label in (("other", "muted", "other questions"), ("own", "model-ppo-ptx", "its own question")):
        counts = np.asarray(data[key], dtype=float)
        heights = counts / max(counts.sum(), 1.0)
        axes.stairs(heights, data["edges"], color=role(colour), linewidth=1.8, label=label)
        axes.stairs(heights, data["edges"], color=role(colour), alpha=0.16, fill=True)
    axes.set(xlabel="cosine similarity of an answer to", ylabel="share", xlim=(0, 1))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    legend = axes.legend(frameon=False, fontsize=9)
    for text in legend.get_texts():
        text.set_color(role("ink"))
    return to_svg(figure, name="links", label="Similarity of answers to questions")


def _axes(height: float, *, grid: Any) -> tuple[Figure, Axes]:
    figure = new_figure(9.4, height)
    axes = figure.subplots()
    style_axes(axes, grid=grid)
    axes.spines["left"].set_visible(False)
    return figure, axes


_WORDS = {"prompt_length": "words of the prompt", "answer_length": "words of the answer", "length": "words of the text"}
# Name in `CheckResult.plots` -> what draws it. Cluster tables and matrices are text and stand in the page's template.
CORPUS_DRAWN: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "cluster_sizes": cluster_sizes,
    **{name: partial(distribution, name=name, label=label, words=True) for name, label in _WORDS.items()},
    "rarity": partial(distribution, name="rarity", label="mean surprisal of the words, in bits"),
    "distance": partial(distribution, name="distance", label="distance to the nearest centre of the data set"),
    "map": row_map,
    "nearest": nearest,
    "tasks": partial(shares, name="tasks", label="sampled rows by task"),
    "forms": partial(shares, name="forms", label="sampled rows by form of the answer"),
    "links": links,
}
