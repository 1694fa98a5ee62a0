from __future__ import annotations

from xml.etree import ElementTree

from tunesmith.label.agreement_course import Course, Period
from tunesmith.label.charts import agreement_course, hour_bars, rate_dots, unit_name
from tunesmith.statistics.rates import Rate
from tunesmith.store.annotation.progress import HourCount
from tunesmith.store.annotation.tasks import Published

NOW = 1_800_000_000.0
HOUR = int(NOW) // 3600 * 3600


def test_the_tallest_bar_is_the_busiest_hour() -> None:
    chart = ElementTree.fromstring(hour_bars([HourCount(HOUR - 3600, 2), HourCount(HOUR, 8)], now=NOW))
    heights = [float(bar.get("height", 0)) for bar in chart.iter("rect")]
    assert len(heights) == 2 and heights[1] == 4 * heights[0]
    assert chart.get("aria-label") == "10 labels in the last 48 hours, at most 8 in one hour"


def test_dots_lie_within_their_intervals_and_names_are_escaped() -> None:
    rows = [("<b>", Rate(0.5, 0.25, 0.75, 9)), ("bob", Rate(1.0, 0.8, 1.0, 4))]
    chart = ElementTree.fromstring(rate_dots(rows, low=0.0, high=1.0, middle=0.5, label="x"))
    dots = [float(dot.get("cx", 0)) for dot in chart.iter("circle")]
    whiskers = [one for one in chart.iter("line") if one.get("class") == "whisker"]
    for dot, whisker in zip(dots, whiskers, strict=True):
        assert float(whisker.get("x1", 0)) <= dot <= float(whisker.get("x2", 0))
    assert dots[0] < dots[1] and any(text.text == "<b>" for text in chart.iter("text"))


def test_the_course_is_cut_where_the_guideline_changed() -> None:
    day, rates = 86_400, (Rate(0.5, 0.25, 0.75, 9), Rate(0.75, 0.5, 0.9, 9), Rate(1.0, 0.8, 1.0, 4))
    periods = [
        Period(n * day, version, (n + 0.5) * day, rate, 9)
        for n, (version, rate) in enumerate(zip((1, 1, 2), rates, strict=True))
    ]
    changes = [Published(1, -5.0 * day), Published(2, 2.0 * day)]
    chart = ElementTree.fromstring(agreement_course(Course("day", periods, 0), changes))
    dots = [(float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in chart.iter("circle")]
    assert [x for x, _ in dots] == sorted(x for x, _ in dots)
    # A higher agreement is a smaller y, and the steps are as large as the values say.
    assert dots[0][1] - dots[1][1] == dots[1][1] - dots[2][1] > 0
    assert [one.get("points", "").count(",") for one in chart.iter("polyline")] == [2, 1]
    [change] = [float(one.get("x1", 0)) for one in chart.iter("line") if one.get("class") == "change"]
    assert dots[1][0] < change < dots[2][0]
    for (_, y), whisker in zip(dots, (one for one in chart.iter("line") if one.get("class") == "whisker"), strict=True):
        assert float(whisker.get("y2", 0)) <= y <= float(whisker.get("y1", 0))
    assert unit_name(4 * day, "week") == "week of Mon 05 Jan 1970"
