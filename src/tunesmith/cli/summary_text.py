"""A JSON summary as lines for people; a rate is never shown without its interval and n."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_RATE = {"value", "low", "high", "n"}
_IN_FULL = "in full with --json"


def summary_lines(summary: Mapping[str, Any], indent: str = "") -> list[str]:
    """Return one line per value, nested objects indented; rates as `0.714 [0.662, 0.760] n=300`."""
    width = max((len(str(key)) for key in summary), default=0)
    lines = []
    for key, value in summary.items():
        if isinstance(value, Mapping) and not set(value) >= _RATE:
            lines += [f"{indent}{key}", *summary_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key:<{width}}  {value_text(value)}")
    return lines


def value_text(value: Any) -> str:
    """Return a value as text: a rate with interval and n, a float with four digits, records by their count."""
    match value:
        case Mapping() if not set(value) >= _RATE:
            return ", ".join(f"{key}: {value_text(item)}" for key, item in value.items())
        case Mapping():
            low, high = value_text(value["low"]), value_text(value["high"])
            return f"{value_text(value['value'])} [{low}, {high}] n={value['n']}"
        case bool() | None:
            return {True: "yes", False: "no", None: "-"}[value]
        case float():
            return f"{value:.4g}"
        case int():
            return f"{value:,}"
        case list() | tuple() if any(isinstance(item, Mapping) and not set(item) >= _RATE for item in value):
            # Records, such as a conversation's messages: nobody reads them in one line.
            return f"{len(value):,} ({_IN_FULL})"
        case list() | tuple():
            return ", ".join(value_text(item) for item in value)
        case _:
            return str(value)
