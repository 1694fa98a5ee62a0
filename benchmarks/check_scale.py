"""`python -m benchmarks.check_scale --data DIR [--rows 10000,100000,1000000]`: what `data check` costs as rows grow.

Rows come from the real sets of `planted_faults` in DIR, with its faults planted into 0.1 % of them each. A set is used
many times over for a million rows, so from its second use on, one word in four of each text is replaced by one that
occurs elsewhere in the sets: such rows are no duplicates. Prints wall time, processor time (user and system, of all
processes), rows a second of processor time, and the greatest sum of the processes' resident memory, read four times a
second (pages that processes share count for each, so the sum is an upper bound; Linux only).
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.planted_faults import FAULTS, Row, base_rows

SHARE = 0.001


def make(folder: Path, rows: int, path: Path, *, seed: int = 0) -> None:
    """Write so many rows, in a constant amount of memory."""
    rng = random.Random(seed)
    base = base_rows(folder, rng)
    words = [word for row in base[:4000] for message in row["messages"] for word in message["content"].split(" ")]
    kinds = list(FAULTS.values())
    with path.open("wb") as file:
        for number in range(rows):
            row: Row = json.loads(json.dumps(base[number % len(base)]))
            if number >= len(base):
                for message in row["messages"]:
                    message["content"] = _changed(message["content"], words, rng)
            planted = rng.choice(kinds)(row, rng) if rng.random() < SHARE * len(kinds) else None
            file.write((planted or json.dumps(row, ensure_ascii=False).encode()) + b"\n")


def _changed(text: str, words: Sequence[str], rng: random.Random) -> str:
    pieces = text.split(" ")
    for index in range(0, len(pieces), 4):
        if pieces[index].isalpha():
            pieces[index] = rng.choice(words)
    return " ".join(pieces)


def measure(path: Path, out: Path, arguments: Sequence[str]) -> str:
    """Check a file in processes of its own; return a row of the table."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started, peak = time.monotonic(), 0
    words = [sys.executable, "-m", "tunesmith", "data", "check", str(path), "--out", str(out), "--fail-on", "never"]
    with subprocess.Popen([*words, "--quiet", *arguments], stdout=subprocess.DEVNULL) as child:
        while child.poll() is None:
            peak = max(peak, _resident_kib(child.pid))
            time.sleep(0.25)
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode:
        raise SystemExit(f"data check ended with exit code {child.returncode}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    summary = json.loads((out / "summary.json").read_text())
    count, found = summary["rows"], sum(summary["findings"].values())
    size = path.stat().st_size / count
    cost = f"{wall:.0f} | {cpu:.0f} | {1e6 * cpu / count:.0f} | {peak / 2**20:.2f}"
    return f"| {count:,} | {size:.0f} | {cost} | {found:,} |"


def _resident_kib(root: int) -> int:
    """Return the sum of the resident memory of a process and all that it started."""
    total, waiting = 0, [root]
    while waiting:
        process = Path(f"/proc/{waiting.pop()}")
        try:
            total += sum(int(line.split()[1]) for line in (process / "status").open() if line.startswith("VmRSS:"))
            waiting += [
                int(pid) for task in (process / "task").iterdir() for pid in (task / "children").open().read().split()
            ]
        except OSError:
            continue  # it ended while it was looked at
    return total


def main() -> None:
    """Make the files and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", default="10000,100000,1000000")
    parser.add_argument("--keep", type=Path, help="a folder for the files and reports, made once")
    given, arguments = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print("| rows | bytes a row | wall s | processor s | processor µs a row | resident GiB | findings |")
        print("|---:|---:|---:|---:|---:|---:|---:|")
        for rows in map(int, given.rows.split(",")):
            path = folder / f"rows{rows}.jsonl"
            if not path.exists():
                make(given.data, rows, path)
            print(measure(path, folder / f"check{rows}", arguments), flush=True)


if __name__ == "__main__":
    main()
