"""A short piece of a text for a finding's reason."""

from __future__ import annotations


def around(text: str, at: int, *, width: int = 60) -> str:
    """Return at most `width` characters around a place, on one line and in quotes; the cut ends are marked."""
    start = max(0, at - width // 3)
    piece = " ".join(text[start : start + width].split())
    return f'"{"…" if start else ""}{piece}{"…" if start + width < len(text) else ""}"'
