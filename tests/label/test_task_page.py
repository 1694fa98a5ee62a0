from __future__ import annotations

from tunesmith.label.task_page import hours_left
from tunesmith.store.annotation.progress import HourCount, Progress


def test_the_work_left_goes_by_the_hours_with_work_in_them() -> None:
    done = Progress(items=10, finished=2, wanted=30, labels=10, held=0)
    assert hours_left(done, [HourCount(0, 6), HourCount(7200, 4)]) == 4.0
    assert hours_left(done, []) is None
