"""A matplotlib figure as inline SVG that follows the page's light or dark colours.

Colours are drawn as stand-ins, one fixed hex value per role, and replaced by CSS variables in the finished SVG, so the
browser resolves them. Text stays text: small, selectable, in the page's own font.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from tunesmith.evaluate.wording import MODEL_NAMES

# Role -> the hex value it is drawn with. The values are arbitrary, distinct, and occur nowhere else.
STAND_INS: Mapping[str, str] = {
    "ink": "#01f001",
    "muted": "#01f002",
    "grid": "#01f003",
    "surface": "#01f004",
    "good": "#01f005",
    "bad": "#01f006",
    **{f"model-{key.replace('_', '-')}": f"#01f1{index:02x}" for index, key in enumerate([*MODEL_NAMES, "other"])},
}

# Longer names would squeeze the plot out of its figure.
LONGEST_LABEL = 32


def role(name: str) -> str:
    """Return the colour to draw with for a role of the page, such as "ink" or "grid"."""
    return STAND_INS[name]


def model_role(key: str) -> str:
    """Return the colour of a model; models that the project does not name share one."""
    return STAND_INS.get(f"model-{key.replace('_', '-')}", STAND_INS["model-other"])


def short_label(text: str) -> str:
    """Return a name from data as a label: at most 32 characters, and `$` is a dollar, not the start of a formula."""
    one_line = " ".join(text.split())
    return (one_line if len(one_line) <= LONGEST_LABEL else one_line[: LONGEST_LABEL - 1] + "…").replace("$", r"\$")


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, in inches at 72 units per inch; not registered anywhere, so nothing leaks."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0.0)
    return figure


def style_axes(axes: Axes, *, grid: Literal["x", "y", "both"]) -> None:
    """Give the axes the house look, with grid lines across the named axis."""
    axes.patch.set_alpha(0.0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(role("grid"))
    axes.tick_params(colors=role("muted"), labelsize=9, length=0, pad=5)
    axes.xaxis.label.set(color=role("muted"), size=9)
    axes.yaxis.label.set(color=role("muted"), size=9)
    axes.grid(axis=grid, color=role("grid"), linewidth=0.8)
    axes.set_axisbelow(True)


def to_svg(figure: Figure, *, name: str, label: str) -> str:
    """Return the figure as an inline `<svg>`; `name` keeps its ids apart from other figures', `label` is read aloud."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    for variable, stand_in in STAND_INS.items():
        svg = svg.replace(stand_in, f"var(--{variable})")
    # Names of things in this figure must not meet another figure's on the same page.
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(xlink:)?href="#', f'href="#{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r"font: [^;\"]*?(\d+(?:\.\d+)?)px [^;\"]*", r"font-size: \1px", svg)
    viewbox = re.search(r'viewBox="[^"]+"', svg)
    assert viewbox is not None
    head = f'<svg {viewbox.group()} role="img" aria-label="{_attribute(label)}">'
    return re.sub(r"<svg[^>]*>", lambda _: head, svg, count=1).strip()


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
