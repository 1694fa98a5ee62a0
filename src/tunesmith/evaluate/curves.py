"""Training curves from a run's `metrics.jsonl`, for the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson

from tunesmith.core.errors import DataError


def read_curves(path: Path, names: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """Return (step, value) of each named metric in the order written; a metric never logged has no points.

    A null value (a metric without weight in that step) gives no point: it is not zero.

    Raises:
        DataError: the file cannot be read, or a line is not an object with a step.
    """
    curves: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataError("cannot read metrics", where=str(path), why=str(error)) from error
    for number, line in enumerate(lines, 1):
        try:
            row = orjson.loads(line)
            step = float(row["step"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise DataError("not a line of metrics", where=f"{path}:{number}", why=repr(error)) from error
        for name in names:
            if row.get(name) is not None:
                curves[name].append((step, float(row[name])))
    return curves
