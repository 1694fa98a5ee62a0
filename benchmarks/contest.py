"""Contenders take turns, A B C A B C, each in a process of its own, so that a change in the machine's load meets all.

The waiting ones sleep. Before anything is timed, their losses on the same rows from the same weights must agree.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.workload import write_models

TOLERANCE = 1e-3
ROOT = Path(__file__).resolve().parent.parent


class Entry(NamedTuple):
    """A contender: its function in `benchmarks`, its Python, its settings; `role` is ours, best or default."""

    name: str
    role: str
    function: str
    python: str
    settings: dict[str, Any]


class Result(NamedTuple):
    """Rates (units a second) and the highest memory of a contender's rounds."""

    name: str
    role: str
    rates: list[float]
    peak_bytes: int

    @property
    def median(self) -> float:
        """The middle rate."""
        return statistics.median(self.rates)


class Running:
    """A contender's process."""

    def __init__(self, entry: Entry, folder: Path) -> None:
        self.entry = entry
        command = [entry.python, "-m", "benchmarks.worker", entry.function, str(folder), json.dumps(entry.settings)]
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        self.ready = self._answer()

    def round(self) -> dict[str, Any]:
        """Let it do one round."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self._errors.seek(0)
            tail = "\n".join(self._errors.read().splitlines()[-12:])
            raise RuntimeError(f"{self.entry.name} ended:\n{tail}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.communicate()
        self._errors.close()


@contextlib.contextmanager
def started(entries: Sequence[Entry], folder: Path) -> Iterator[list[Running]]:
    """Start the contenders one after the other; each has warmed up when the next one starts."""
    running: list[Running] = []
    try:
        for entry in entries:
            running.append(Running(entry, folder))
        yield running
    finally:
        for one in running:
            one.close()


def compare(entries: Sequence[Entry], size: str, *, rounds: int) -> list[Result]:
    """Return each contender's rates over `rounds` alternations.

    Raises:
        RuntimeError: a contender failed, or computes another loss than the first one.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_models(folder, size)
        with started(entries, folder) as running:
            _agree(running)
            answers: list[list[dict[str, Any]]] = [[] for _ in running]
            for number in range(rounds):
                for index, one in enumerate(running):
                    answers[index].append(one.round())
                    rate = answers[index][-1]["units"] / answers[index][-1]["seconds"]
                    print(f"  round {number + 1}: {one.entry.name} {rate:,.2f}/s", file=sys.stderr)
    return [
        Result(e.name, e.role, [a["units"] / a["seconds"] for a in got], max(a["peak_bytes"] for a in got))
        for e, got in zip(entries, answers, strict=True)
    ]


def _agree(running: Sequence[Running]) -> None:
    checks = [(one.entry.name, one.ready["check"]) for one in running if one.ready["check"] is not None]
    for name, value in checks[1:]:
        first, expected = checks[0]
        if abs(value - expected) > TOLERANCE * max(1.0, abs(expected)):
            raise RuntimeError(f"not the same work: loss {expected:.5f} for {first}, {value:.5f} for {name}")


def report(results: Sequence[Result], unit: str) -> dict[str, Any]:
    """Print the table to standard error and return everything."""
    ours = next(r for r in results if r.role == "ours")
    body: dict[str, Any] = {"unit": unit, "contenders": {}}
    print(f"{'':<44}{unit + '/s':>14}{'lowest':>10}{'highest':>10}{'peak MiB':>10}{'ours is':>9}", file=sys.stderr)
    for r in results:
        ratio = ours.median / r.median
        mib = r.peak_bytes / 2**20
        numbers = f"{r.median:>14,.2f}{min(r.rates):>10,.2f}{max(r.rates):>10,.2f}{mib:>10,.0f}"
        print(f"{r.name:<44}{numbers}{ratio:>8.2f}x", file=sys.stderr)
        body["contenders"][r.name] = {
            "role": r.role,
            "median": r.median,
            "low": min(r.rates),
            "high": max(r.rates),
            "rates": r.rates,
            "peak_bytes": r.peak_bytes,
            "ratio": ratio,
        }
    for role, roles in (("best", ("best", "default")), ("default", ("default",))):
        peers = [r.median for r in results if r.role in roles]
        body[f"ratio_{role}"] = ours.median / max(peers) if peers else None
    return body
