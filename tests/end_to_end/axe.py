"""axe-core over a page of a real browser: what it finds against WCAG 2.2 AA and its own best practices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def missing() -> str:
    """Return why axe-core cannot be run, or an empty text."""
    try:
        import axe_playwright_python.sync_playwright  # noqa: F401
    except ImportError:
        return "axe-playwright-python is not installed"
    return ""


def violations(page: Any) -> list[str]:
    """Return one line per element that breaks a rule, in light or in dark: rule, element, what is the matter."""
    everything = {"type": "tag", "values": TAGS}
    colours = {"type": "rule", "values": ["color-contrast"]}
    found = []
    for scheme, rules in (("light", everything), ("dark", colours)):
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme} {page.url} {line}" for line in _broken(page, rules)]
    return found


def _broken(page: Any, rules: dict[str, Any]) -> Iterator[str]:
    from axe_playwright_python.sync_playwright import Axe

    page.wait_for_function("() => document.getAnimations().every(one => one.playState !== 'running')")
    found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]}).response
    assert found["passes"], "axe looked at nothing"
    for broken in found["violations"]:
        for node in broken["nodes"]:
            yield f"{broken['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
