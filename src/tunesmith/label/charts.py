"""Small inline charts as SVG: numbers in, shapes with classes out; the style sheet colours them for light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup, escape

from tunesmith.statistics.rates import Rate
from tunesmith.store.annotation.progress import HOUR, HourCount

WIDTH = 720


def hour_bars(hours: Sequence[HourCount], *, now: float, span: int = 48) -> Markup:
    """Return labels per hour over the last `span` hours."""
    last = int(now) // HOUR * HOUR
    counts = {hour.start: hour.labels for hour in hours}
    series = [(start, counts.get(start, 0)) for start in range(last - (span - 1) * HOUR, last + 1, HOUR)]
    top = max(1, *(n for _, n in series))
    step, height = WIDTH / span, 120
    shapes = [_line(0, height, WIDTH, height, "axis")]
    for index, (start, n) in enumerate(series):
        tall = n / top * (height - 18)
        when = datetime.fromtimestamp(start, UTC)
        if n:
            shapes.append(
                f'<rect class="bar" x="{index * step + 1:.1f}" y="{height - tall:.1f}" width="{step - 2:.1f}" '
                f'height="{tall:.1f}" rx="2"><title>{when:%a %H:00} UTC: {n} labels</title></rect>'
            )
        if when.hour % 12 == 0 and index * step < WIDTH - 60:
            shapes.append(_text(index * step, height + 16, f"{when:%a %H:00}", "start"))
    shapes.append(_text(0, 10, f"{top} an hour", "start"))
    total = sum(n for _, n in series)
    return _svg(shapes, height + 22, f"{total} labels in the last {span} hours, at most {top} in one hour")


def rate_dots(rows: Sequence[tuple[str, Rate]], *, low: float, high: float, middle: float, label: str) -> Markup:
    """Return one row per name: a dot at the value, a line for its 95 % interval, and a rule at `middle`."""
    left, right, row = 170, WIDTH - 90, 26

    def x(value: float) -> float:
        return left + (min(high, max(low, value)) - low) / (high - low) * (right - left)

    height = row * len(rows) + 4
    shapes = [_line(x(middle), 0, x(middle), height, "rule")]
    shapes += [_text(x(end), height + 16, f"{end:.0%}" if low >= 0 else f"{end:g}", "middle") for end in (low, high)]
    shapes.append(_text(x(middle), height + 16, f"{middle:.0%}" if low >= 0 else f"{middle:g}", "middle"))
    for index, (name, rate) in enumerate(rows):
        y = row * index + row / 2 + 2
        shown = f"{rate.value:.0%}" if low >= 0 else f"{rate.value:.2f}"
        shapes += [
            _text(0, y + 4, name if len(name) <= 24 else f"{name[:23]}…", "start", "name"),
            _line(x(rate.low), y, x(rate.high), y, "whisker"),
            f'<circle class="dot" cx="{x(rate.value):.1f}" cy="{y:.1f}" r="4.5"/>',
            _text(WIDTH, y + 4, f"{shown} · n={rate.n}", "end", "value"),
        ]
    return _svg(shapes, height + 22, label)


def _svg(shapes: Sequence[str], height: float, label: str) -> Markup:
    body = "".join(shapes)
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}">{body}</svg>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
