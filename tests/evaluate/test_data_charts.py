from __future__ import annotations

from tunesmith.evaluate.data_charts import MOST_BARS, KindBar, kind_bars, token_lengths


def test_the_most_frequent_kinds_are_drawn_with_their_counts() -> None:
    bars = [KindBar(f"noise.k{n:02d}", n + 1, "warning") for n in range(MOST_BARS + 3)]
    svg = kind_bars(bars)
    assert "noise.k26" in svg and "noise.k02" not in svg and "27" in svg
    assert "var(--model-ppo)" in svg and "#01f" not in svg


def test_long_rows_are_red_and_the_last_bar_holds_the_longest() -> None:
    svg = token_lengths({"bin_tokens": 16, "bins": [(2, 40), (40, 7), (5000, 1)], "max_length": 512})
    assert "max_length 512" in svg and "1,024 or more" in svg and "var(--bad)" in svg
    assert "var(--bad)" not in token_lengths({"bin_tokens": 16, "bins": [(2, 40)], "max_length": 512})
