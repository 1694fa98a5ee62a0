"""`python -m benchmarks.desk_start [--command 'NAME=COMMAND' ...]`: how long a labelling desk takes to its first page.

Each COMMAND starts a server that listens on {port} of this machine and keeps its data below {folder}, for instance
`label-studio=peers/label-studio/bin/label-studio start --no-browser --port {port} --data-dir {folder}`; this project's
desk is always among them. They take turns (A B A B), so that a change in the machine's load meets all. A round starts
each with an empty folder (which makes its database), ends it, and starts each again with what it left there.

Prints, as medians with lowest and highest: wall seconds until `/`, redirects followed, answers 200; processor seconds
of the command's processes until then; and the sum of their resident memory a while later, when nobody has logged in.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import httpx
import psutil

OURS = f"{shlex.quote(sys.executable)} -m tunesmith label serve --port {{port}} --db {{folder}}/desk.db"
ASK_EVERY_S = 0.02
MIB = 2**20


class Start(NamedTuple):
    """One start: wall and processor seconds until the first page, MiB of resident memory later, processes then."""

    wall: float
    processor: float
    resident: float
    processes: int


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return a process and all that it started."""
    root = psutil.Process(process.pid)
    return [root, *root.children(recursive=True)]


@contextmanager
def running(words: Sequence[str], out: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command, and end it with all that it started."""
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield process
    finally:
        # One that ended by itself has no family to ask for.
        members = family(process) if process.poll() is None else []
        for one in members:
            one.terminate()
        for one in psutil.wait_procs(members, timeout=30)[1]:
            one.kill()
        process.wait()


def wait_for_page(process: subprocess.Popen[bytes], address: str, *, patience: float) -> None:
    """Ask until the answer is 200; raise RuntimeError where none comes in so many seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"ended with exit code {process.returncode}")
        try:
            if httpx.get(address, follow_redirects=True, timeout=patience).status_code == 200:
                return
        except httpx.TransportError:
            pass  # it does not listen yet
        time.sleep(ASK_EVERY_S)
    raise RuntimeError(f"no page in {patience:.0f} s")


def start_once(command: str, folder: Path, *, settle: float, patience: float) -> Start:
    """Start a desk, measure it, end it."""
    port = free_port()
    words = [word.format(port=port, folder=folder) for word in shlex.split(command)]
    with tempfile.TemporaryFile() as out:
        began = time.monotonic()
        try:
            with running(words, out) as process:
                wait_for_page(process, f"http://127.0.0.1:{port}/", patience=patience)
                wall = time.monotonic() - began
                processor = sum(sum(one.cpu_times()[:4]) for one in family(process))
                time.sleep(settle)
                resident = [one.memory_info().rss for one in family(process)]
        except RuntimeError as error:
            out.seek(0)
            said = out.read()[-2000:].decode(errors="replace")
            raise SystemExit(f"{shlex.join(words)}: {error}\n{said}") from error
    return Start(wall, processor, sum(resident) / MIB, len(resident))


def measure(
    commands: dict[str, str], *, rounds: int, settle: float, patience: float
) -> dict[str, dict[str, list[Start]]]:
    """Return each desk's starts with an empty folder and with what the first start left."""
    found: dict[str, dict[str, list[Start]]] = {name: {"first": [], "again": []} for name in commands}
    for turn in range(rounds):
        with tempfile.TemporaryDirectory() as root:
            for when in ("first", "again"):
                for name, command in commands.items():
                    folder = Path(root) / name
                    folder.mkdir(exist_ok=True)
                    one = start_once(command, folder, settle=settle, patience=patience)
                    found[name][when].append(one)
                    load = os.getloadavg()[0]
                    print(f"round {turn + 1}, {name}, {when}: {one}, load {load:.1f}", file=sys.stderr, flush=True)
    return found


def spread(values: Sequence[float], digits: int) -> str:
    """Return the median with lowest and highest."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def table(found: dict[str, dict[str, list[Start]]]) -> list[str]:
    """Return the figures as rows of Markdown."""
    lines = ["| desk | start | n | wall s | processor s | resident MiB | processes |", "|---|---|---|---|---|---|---|"]
    for name, starts in found.items():
        for when, values in starts.items():
            figures = [
                spread([one.wall for one in values], 1),
                spread([one.processor for one in values], 1),
                spread([one.resident for one in values], 0),
                str(max(one.processes for one in values)),
            ]
            lines.append(f"| {name} | {when} | {len(values)} | {' | '.join(figures)} |")
    return lines


def named(word: str) -> tuple[str, str]:
    """Return a command's name and the command."""
    name, equals, command = word.partition("=")
    if not (name and equals and "{port}" in command):
        raise argparse.ArgumentTypeError("is NAME=COMMAND, with {port} in the command")
    return name, command


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.desk_start", description=__doc__)
    parser.add_argument("--command", type=named, action="append", default=[], help="NAME=COMMAND; repeatable")
    parser.add_argument("--rounds", type=int, default=3, help="alternations")
    parser.add_argument("--settle", type=float, default=5.0, help="seconds from the first page to reading memory")
    parser.add_argument("--patience", type=float, default=900.0, help="seconds to wait for a first page")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    commands = {"tunesmith": OURS, **dict(asked.command)}
    found = measure(commands, rounds=asked.rounds, settle=asked.settle, patience=asked.patience)
    if asked.json:
        print(json.dumps({name: {w: [s._asdict() for s in v] for w, v in by.items()} for name, by in found.items()}))
    else:
        print("\n".join(table(found)))


if __name__ == "__main__":
    main()
