"""Where the labels of a data set came from: the labelers, and the served replies that they were about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tunesmith.core.records import Ranking, Record


def label_sources(records: Iterable[Record]) -> dict[str, Any]:
    """Return `labelers` (name -> labels) and `replies` (ids, sorted), each only where there are any.

    A ranking counts once per label in it; other records once, under their `meta["labeler"]`.
    """
    labelers: Counter[str] = Counter()
    replies: set[str] = set()
    for record in records:
        replies.update(str(name) for name in record.meta.get("replies", ()))
        if isinstance(record, Ranking):
            labelers.update(label.labeler for label in record.rankings)
        elif "labeler" in record.meta:
            labelers[str(record.meta["labeler"])] += 1
    found = {"labelers": dict(sorted(labelers.items())), "replies": sorted(replies)}
    return {name: value for name, value in found.items() if value}
