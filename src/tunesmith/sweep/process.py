"""One trial as a process of this machine: the ordinary command line, with its share of the threads.

A child ends with its parent, also when the parent is killed (Linux: PR_SET_PDEATHSIG); elsewhere the next start of the
sweep waits for it. Its peak memory is the kernel's own mark (VmHWM), read at each look: what `wait4` says would include
the parent's size at the fork.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_PR_SET_PDEATHSIG = 1
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
PROGRAM = (sys.executable, "-m", "tunesmith")


@dataclass(frozen=True, slots=True)
class Order:
    """What to start: arguments after the program, the child's environment, and the file its words go to.

    `data_limit` bounds the child's private memory in bytes (RLIMIT_DATA); None: no bound.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    program: tuple[str, ...] = PROGRAM
    data_limit: int | None = None

    @property
    def answer(self) -> Path:
        """The file for the child's standard output: one JSON object."""
        return self.log.with_suffix(".answer.json")

    @property
    def kills(self) -> Path:
        """The file that says why each lost attempt ended, a line each; it outlives a killed sweep."""
        return self.log.with_suffix(".kills")


class Child(Protocol):
    """A trial under way, wherever it runs."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit code (negative: the signal that killed it), None while it runs."""

    def send(self, number: int) -> None:
        """Send a signal, if it still runs."""

    @property
    def peak_bytes(self) -> int | None:
        """The largest resident size seen so far; None where nobody measured it."""


Start = Callable[[Order], Child]


def child_environment(environment: Mapping[str, str], *, threads: int, prefix: str) -> dict[str, str]:
    """Return the parent's environment with the thread share; configuration variables (`prefix`) are left out.

    They are in the trial's file already, and above it they would undo the values that the sweep varies.
    """
    kept = {name: value for name, value in environment.items() if not name.startswith(prefix)}
    return kept | dict.fromkeys(THREAD_VARIABLES, str(threads))


class LocalChild:
    """A process started here."""

    def __init__(self, order: Order) -> None:
        self._peak: int | None = None
        parent = os.getpid()
        with order.log.open("ab") as log, order.answer.open("wb") as answer:
            self._process = subprocess.Popen(
                [*order.program, *order.arguments],
                env=dict(order.environment),
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the sweep, which asks its trials to stop
                preexec_fn=lambda: _bind_to(parent, order.data_limit),
            )
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """See `Child`."""
        if self._process.returncode is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self._peak = self._peak or usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            else:
                self._peak = high_water(self.pid) or self._peak
        return self._process.returncode

    def send(self, number: int) -> None:
        """See `Child`."""
        if self.poll() is None:
            self._process.send_signal(number)

    @property
    def peak_bytes(self) -> int | None:
        """See `Child`."""
        return self._peak


def high_water(pid: int) -> int | None:
    """Return a process's largest resident size so far, in bytes; None where the system does not tell or it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("VmHWM:")), None)  # a zombie has none
    return None if found is None else int(found.split()[1]) * 1024


def start_local(order: Order) -> Child:
    """Start a process."""
    return LocalChild(order)


def _bind_to(parent: int, data_limit: int | None) -> None:
    """Run in the child before the program: end with the parent; refuse memory beyond the limit."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(128 + signal.SIGTERM)
    if data_limit is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (data_limit, data_limit))


def last_words(order: Order, answer: Sequence[str] = ()) -> str:
    """Return the last line that a child wrote to its log, for an ending that left no JSON."""
    lines = order.log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if order.log.exists() else []
    return lines[-1].strip() if lines else ""
