from __future__ import annotations

from tunesmith.cli.summary_text import summary_lines, value_text


def test_a_rate_is_never_shown_without_interval_and_n() -> None:
    assert value_text({"value": 0.5, "low": 0.4, "high": 0.6, "n": 1200}) == "0.5 [0.4, 0.6] n=1200"


def test_plain_values() -> None:
    got = [value_text(value) for value in (True, False, None, 1234567, 0.000123456, ["a", 1], "x")]
    assert got == ["yes", "no", "-", "1,234,567", "0.0001235", "a, 1", "x"]


def test_nested_objects_are_indented() -> None:
    assert summary_lines({"a": 1, "models": {"sft": {"loss": 2.0}}}) == ["a       1", "models", "  sft", "    loss  2"]


def test_records_are_counted_and_rates_are_not() -> None:
    messages = [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "On its way."}]
    assert value_text(messages) == "2 (in full with --json)"
    rate = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 12}
    assert value_text([rate]) == "0.5 [0.4, 0.6] n=12"
