from __future__ import annotations

from tunesmith.evaluate.worded_values import MOST, worded_value


def test_measures_are_worded() -> None:
    assert worded_value({"value": 0.5, "low": 0.4, "high": 0.61, "n": 1200}) == "0.500 [0.400, 0.610], n 1,200"
    assert worded_value({"value": 0.5, "low": 0.4, "high": 0.6, "n": 9, "p_value": 0.01}).endswith("p 0.010")
    assert worded_value({"a / b": 3}) == "a / b: 3" and worded_value(None) == "–" and worded_value([]) == "none"
    assert worded_value(12345) == "12,345" and worded_value(0.01402) == "0.014" and worded_value(True) == "yes"


def test_what_is_left_out_is_counted() -> None:
    assert worded_value(list(range(MOST + 3))).endswith("11; and 3 more")
