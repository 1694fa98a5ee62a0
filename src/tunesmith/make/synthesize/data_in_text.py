"""Find the data that a text holds: a JSON object, or lines of `key: value`."""

from __future__ import annotations

import re
from typing import Any

from tunesmith.core.errors import DataError
from tunesmith.make.synthesize.structures import from_json

_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n```\s*\Z", re.S)
_LINE = re.compile(r"[ \t]*[-*]?[ \t]*(?P<key>[A-Za-z][A-Za-z0-9 _-]{0,30}):[ \t]+(?P<value>\S.{0,300})")


def data_in(text: str) -> dict[str, Any]:
    """Return the object that the text is, or its longest run of at least two `key: value` lines; else nothing.

    Values of lines are text. A key that stands twice in a run makes the run worthless.
    """
    fenced = _FENCE.match(text)
    inner = (fenced.group(1) if fenced else text).strip()
    if inner.startswith("{"):
        try:
            found = from_json(inner)
        except DataError:
            return {}
        return found if isinstance(found, dict) else {}
    best: dict[str, Any] = {}
    run: list[tuple[str, str]] = []
    for line in [*text.split("\n"), ""]:
        match = _LINE.fullmatch(line.rstrip())
        if match:
            run.append((match["key"], match["value"]))
            continue
        if len(run) > max(1, len(best)) and len({key for key, _ in run}) == len(run):
            best = dict(run)
        run = []
    return best
