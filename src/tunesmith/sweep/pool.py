"""Run jobs side by side in processes that may die: follow their metrics, end hopeless ones, take up killed ones.

A job that was killed from outside starts again from its newest checkpoint, at most `retries` times. One that failed by
itself (exit code 1-5) would fail again and is not repeated.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tunesmith.sweep.process import Child, Order, Start, last_words
from tunesmith.sweep.reading import MetricTail, Point
from tunesmith.train.durable import replace_file
from tunesmith.train.stop_signal import StopSignal

POLL_S = 0.1
GRACE_S = 60.0  # to finish a step and write a checkpoint
State = Literal["finished", "pruned", "failed"]


@dataclass(frozen=True, slots=True)
class Job:
    """One run: its name within the sweep, what to start, where its metrics are, and anything that belongs to it."""

    name: str
    order: Order
    metrics: Path
    metric: str
    tag: Any = None


class Ending(NamedTuple):
    """How a job ended. `kills`: why each lost attempt ended, also those under a sweep that was itself killed.

    `given_up`: the last of them was not taken up again. `error`: the first line of a failure.
    """

    state: State
    points: list[Point]
    seconds: float
    peak_bytes: int | None
    kills: list[str]
    given_up: bool
    error: str
    answer: Mapping[str, Any]


@dataclass(slots=True)
class _Active:
    job: Job
    child: Child
    tail: MetricTail
    started: float
    earlier: int  # attempts lost before this sweep was started again: they use up none of its retries
    kills: list[str] = field(default_factory=list)
    peak: int | None = None
    asked_to_stop: float | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """How jobs are run. `saw(job, points)` gets new points, True ends the job; `ended` gets every ending."""

    start: Start
    workers: int
    retries: int
    saw: Callable[[Job, list[Point]], bool]
    ended: Callable[[Job, Ending], None]
    log: Callable[[str], None]

    def run(self, next_job: Callable[[], Job | None]) -> None:
        """Run jobs until `next_job` has none left and all have ended.

        Raises:
            SystemExit: 130 or 143 after a signal, once every job has written its checkpoint; none of them has ended.
        """
        active: list[_Active] = []
        with StopSignal() as stop:
            try:
                while not stop.received:
                    while len(active) < self.workers and (job := next_job()) is not None:
                        active.append(self._begin(job))
                    if not active:
                        return
                    time.sleep(POLL_S)
                    active = [one for one in active if not self._tick(one)]
            finally:
                _stop_all([one.child for one in active])
        raise SystemExit(128 + stop.received)

    def _begin(self, job: Job) -> _Active:
        file = job.order.kills
        kills = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        tail = MetricTail(job.metrics, job.metric)
        return _Active(job, self.start(job.order), tail, time.monotonic(), len(kills), kills)

    def _tick(self, one: _Active) -> bool:
        """Look after one job; return True if it has ended."""
        code = one.child.poll()
        new = one.tail.read()
        if code is None:
            self._follow(one, new)
            return False
        one.peak = max(filter(None, (one.peak, one.child.peak_bytes)), default=None)
        if one.asked_to_stop is None and _killed(code):
            one.kills.append(_reason(code))
            replace_file(one.job.order.kills, "".join(f"{why}\n" for why in one.kills).encode())
            lost = len(one.kills) - one.earlier
            if lost <= self.retries:
                self.log(f"{one.job.name} was {one.kills[-1]}; taken up again ({lost} of {self.retries})")
                one.child = self.start(one.job.order)
                return False
        self.ended(one.job, self._ending(one, code))
        return True

    def _follow(self, one: _Active, new: list[Point]) -> None:
        if one.asked_to_stop is None:
            if new and self.saw(one.job, new):
                one.asked_to_stop = time.monotonic()
                one.child.send(signal.SIGTERM)
        elif time.monotonic() - one.asked_to_stop > GRACE_S:
            one.child.send(signal.SIGKILL)

    def _ending(self, one: _Active, code: int) -> Ending:
        answer = read_answer(one.job.order)
        state: State = "finished" if code == 0 else "pruned" if one.asked_to_stop is not None else "failed"
        error = ""
        if state == "failed":
            told = answer.get("error", {}).get("message", "") or last_words(one.job.order)
            error = f"{one.kills[-1]}, {len(one.kills)} times" if _killed(code) else (told or f"exit code {code}")
        seconds = time.monotonic() - one.started
        given_up = state == "failed" and _killed(code)
        first_line = error.partition("\n")[0]
        return Ending(state, one.tail.points, seconds, one.peak, one.kills, given_up, first_line, answer)


def read_answer(order: Order) -> Mapping[str, Any]:
    """Return the JSON object that a child printed; empty where it printed none."""
    try:
        found = json.loads(order.answer.read_bytes())
    except (FileNotFoundError, ValueError):  # killed before it could speak
        return {}
    return found if isinstance(found, dict) else {}


def _killed(code: int) -> bool:
    """A signal ended it, or made it end itself (128 + number, as training does after its checkpoint)."""
    return code < 0 or code > 128


def _reason(code: int) -> str:
    number = -code if code < 0 else code - 128
    try:
        return f"killed by {signal.Signals(number).name}"
    except ValueError:
        return f"ended with code {code}"


def _stop_all(children: list[Child]) -> None:
    """Ask every child to stop and wait for it; one that does not is killed."""
    for child in children:
        child.send(signal.SIGTERM)
    until = time.monotonic() + GRACE_S
    while any(child.poll() is None for child in children):
        if time.monotonic() > until:
            for child in children:
                child.send(signal.SIGKILL)
        time.sleep(POLL_S)
