"""Small inline charts as SVG: numbers in, shapes with classes out; the style sheet colours them for light and dark."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from markupsafe import Markup, escape

from tunesmith.label.agreement_course import LENGTH, Course, Period
from tunesmith.statistics.rates import Rate
from tunesmith.store.annotation.progress import HOUR, HourCount
from tunesmith.store.annotation.tasks import Published

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


def agreement_course(course: Course, guidelines: Sequence[Published]) -> Markup:
    """Return a dot with its 95 % interval per period, joined by guideline, and a rule where the guideline changed.

    `course` has at least one period.
    """
    left, right, top, bottom = 44.0, WIDTH - 12.0, 20.0, 164.0
    begin = course.periods[0].start
    end = max(one.start for one in course.periods) + LENGTH[course.unit]

    def x(time: float) -> float:
        return left + (time - begin) / (end - begin) * (right - left)

    def y(value: float) -> float:
        return bottom - value * (bottom - top)

    shapes = []
    for value in (0.0, 0.5, 1.0):
        shapes += [_line(left, y(value), right, y(value), "axis"), _text(left - 8, y(value) + 4, f"{value:.0%}", "end")]
    for one in guidelines:
        if begin < one.time < end:
            anchor, shift = ("end", -5) if x(one.time) > WIDTH - 110 else ("start", 5)
            shapes.append(_line(x(one.time), 4, x(one.time), bottom, "change"))
            shapes.append(_text(x(one.time) + shift, 13, f"guideline {one.version}", anchor, "name"))
    for _, group in itertools.groupby(sorted(course.periods, key=lambda one: one.version), lambda one: one.version):
        periods = list(group)
        corners = " ".join(f"{x(one.time):.1f},{y(one.rate.value):.1f}" for one in periods)
        shapes.append(f'<polyline class="course" points="{corners}"/>')
        shapes += [_period(one, x(one.time), y, course.unit) for one in periods]
    shapes += _dates(begin, end, LENGTH[course.unit], x, bottom + 18)
    label = f"Pairwise agreement by {course.unit} with 95 % intervals; the same figures are in the table below"
    return _svg(shapes, bottom + 26, label)


def _period(one: Period, x: float, y: Callable[[float], float], unit: str) -> str:
    value, low, high, n = one.rate
    said = f"{unit_name(one.start, unit)}: {value:.0%} ({low:.0%} to {high:.0%}, n={n})"
    return (
        f"<g><title>{said}</title>{_line(x, y(one.rate.low), x, y(one.rate.high), 'whisker')}"
        f'<circle class="dot" cx="{x:.1f}" cy="{y(one.rate.value):.1f}" r="4.5"/></g>'
    )


def _dates(begin: float, end: float, length: int, x: Callable[[float], float], y: float) -> list[str]:
    every = max(1, round((end - begin) / length / 6))
    return [
        _text(x(time), y, f"{datetime.fromtimestamp(time, UTC):%d %b}", "start")
        for time in range(int(begin), int(end), every * length)
        if x(time) < WIDTH - 50
    ]


def unit_name(start: float, unit: str) -> str:
    """Return the name of the day or week that begins at `start`."""
    day = f"{datetime.fromtimestamp(start, UTC):%a %d %b %Y}"
    return day if unit == "day" else f"week of {day}"


def _svg(shapes: Sequence[str], height: float, label: str) -> Markup:
    body = "".join(shapes)
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}">{body}</svg>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
