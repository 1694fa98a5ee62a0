"""`python -m benchmarks.check_speed FILE [--max-length N]`: processor time a row of each check, in one process.

Reads one file's first `--rows` rows, then times each check's `chunk` alone on fresh rows (processor time, so a busy
machine matters less), the reading, and the whole; what checks share is made again for each, so together they take less.
Prints microseconds a row and the peak memory.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from tunesmith.checks.check import Check, CheckedRow
from tunesmith.checks.known import CheckPlan, CheckSettings, build, chosen
from tunesmith.desk.weights import shipped_base
from tunesmith.formats import stream
from tunesmith.formats.streaming import CHUNK_ROWS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3, help="the least of so many counts")
    parser.add_argument("--every", type=int, default=20, help="lengths measured on one row in so many")
    given = parser.parse_args()
    settings = CheckSettings.model_validate({"tokens": {"every": given.every}})
    checks = build(CheckPlan(chosen(()), settings.model_dump_json(), str(shipped_base()), given.max_length))
    rows: list[CheckedRow] = []

    def read() -> None:
        for row in islice(stream(given.file), given.rows):
            rows.extend(CheckedRow("f", row.line, record) for record in row.records)

    def judge(check: Check[Any]) -> None:
        for chunk in (rows[i : i + CHUNK_ROWS] for i in range(0, len(rows), CHUNK_ROWS)):
            check.chunk([CheckedRow(row.file, row.line, row.record) for row in chunk])

    times = {"reading": _seconds(read)}
    for check in checks:
        check.chunk(rows[:50])  # load what is loaded once
        times[check.name] = min(_seconds(lambda check=check: judge(check)) for _ in range(given.repeats))
    for name, seconds in (*times.items(), ("all", sum(times.values()))):
        print(f"{name:<16} {1e6 * seconds / len(rows):8.1f} µs a row")
    characters = sum(len(m.content) for row in rows for m in getattr(row.record, "messages", ()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(rows):,} rows of {characters / len(rows):.0f} characters; peak {peak:.2f} GiB with the rows in memory")


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
