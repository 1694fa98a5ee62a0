"""A check's measures as a person reads them: rates with their intervals, lists and counts by name in one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST = 12


def worded_value(value: Any) -> str:
    """Return a JSON value in words; of long lists and mappings the first 12 entries, and how many more there are."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() or abs(value) >= 1000 else f"{value:.3g}"
    if isinstance(value, Mapping):
        return _interval(value) if {"value", "low", "high", "n"} <= set(value) else _joined(_pairs(value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _joined([worded_value(item) for item in value]) or "none"
    return str(value)


def _interval(rate: Mapping[str, Any]) -> str:
    text = f"{rate['value']:.3f} [{rate['low']:.3f}, {rate['high']:.3f}], n {rate['n']:,}"
    return f"{text}, p {rate['p_value']:.3f}" if "p_value" in rate else text


def _pairs(value: Mapping[str, Any]) -> list[str]:
    return [f"{str(name).replace('_', ' ')}: {worded_value(inner)}" for name, inner in value.items()]


def _joined(items: Sequence[str]) -> str:
    more = f"; and {len(items) - MOST:,} more" if len(items) > MOST else ""
    return "; ".join(items[:MOST]) + more
