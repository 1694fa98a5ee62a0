"""A run's metrics while it writes them: only what is new is read, and what a resumed run took back is forgotten."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

Point = tuple[int, float]
LAST_SHARE = 0.1


class MetricTail:
    """Follows one metric of a `metrics.jsonl`; `points` are (step, value) in the order of the file."""

    def __init__(self, path: Path, metric: str) -> None:
        self.path, self.metric = path, metric
        self.points: list[Point] = []
        self._offset = 0

    def read(self) -> list[Point]:
        """Take in what was appended and return the new points; a half-written last line waits for its end."""
        try:
            size = os.stat(self.path).st_size
        except FileNotFoundError:
            return []
        if size < self._offset:  # resumed from a checkpoint: the file was cut back
            self._offset, self.points = 0, []
        if size == self._offset:
            return []
        with self.path.open("rb") as stream:
            stream.seek(self._offset)
            block = stream.read()
        whole, _, _ = block.rpartition(b"\n")
        if not whole:
            return []
        self._offset += len(whole) + 1
        new = [point for line in whole.split(b"\n") if (point := self._point(line))]
        self.points += new
        return new

    def _point(self, line: bytes) -> Point | None:
        if self.metric.encode() not in line:
            return None
        row = json.loads(line)
        value = row.get(self.metric)
        return None if value is None else (int(row["step"]), float(value))


def value_of(points: Sequence[Point], *, best: bool, larger: bool) -> float | None:
    """Return what a run is worth: its best point, or the mean of its last tenth; None without points."""
    if not points:
        return None
    values = [value for _, value in points]
    if best:
        return max(values) if larger else min(values)
    last = values[-max(1, round(len(values) * LAST_SHARE)) :]
    return sum(last) / len(last)
