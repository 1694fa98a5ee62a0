"""The agreement of annotation tasks, worked out a twentieth of the time at most, however often it is looked at."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection

from tunesmith.label.agreement import AgreementReport, agreement_report
from tunesmith.store.annotation.labels import newest_event
from tunesmith.store.annotation.tasks import AnnotationTask

REST = 20  # a report that took one second stands for twenty, unless nobody said anything since: then it stands


class Known(NamedTuple):
    """A report and how many seconds ago it was worked out; None where no label has come since."""

    report: AgreementReport
    seconds_old: float | None


class _Kept(NamedTuple):
    report: AgreementReport
    newest: int
    made: float
    took: float


class AgreementCache:
    """Reports by annotation task. May be asked from any thread: of several that ask at once, one works it out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[int, _Kept] = {}
        self._locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)

    def report(self, connection: Connection, task: AnnotationTask) -> Known:
        """Return the task's report: of all labels, or of those that were there when it was last worked out."""
        with self._locks[task.id]:
            newest, began = newest_event(connection), self._clock()
            kept = self._kept.get(task.id)
            if kept is not None and kept.newest == newest:
                return Known(kept.report, None)
            if kept is not None and began - kept.made < REST * kept.took:
                return Known(kept.report, began - kept.made)
            report = agreement_report(connection, task)
            made = self._clock()
            self._kept[task.id] = _Kept(report, newest, made, made - began)
            return Known(report, None)
