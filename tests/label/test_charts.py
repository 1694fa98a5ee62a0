from __future__ import annotations

from xml.etree import ElementTree

from tunesmith.label.charts import hour_bars, rate_dots
from tunesmith.statistics.rates import Rate
from tunesmith.store.annotation.progress import HourCount

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
