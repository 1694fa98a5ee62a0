from __future__ import annotations

import pytest

from tunesmith.label.agreement import agreement_report
from tunesmith.label.agreement_course import DAY, course_of
from tunesmith.label.judgements import Met
from tunesmith.store.annotation.tasks import publish_guideline

from .scene import START, Scene, ranking
from .test_agreement import say


def test_days_by_hand() -> None:
    """Two items on the first day (3 of 4 judgements agree), one on the second; a tie judges nothing."""
    met = [Met(1, 10.0, 1, 2, 0), Met(2, 30.0, 1, 1, 1), Met(3, DAY + 5.0, 1, 0, 2), Met(4, DAY + 6.0, 1, 0, 0)]
    course = course_of(met)
    assert course.unit == "day" and course.mixed == 0
    first, second = course.periods
    assert (first.start, first.version, first.time, first.rate.value, first.rate.n) == (0.0, 1, 20.0, 0.75, 2)
    assert (second.start, second.time, second.rate.value, second.judgements) == (DAY, DAY + 5.0, 0.0, 2)


def test_a_day_is_cut_where_the_guideline_changed_and_mixed_judgements_are_counted() -> None:
    met = [Met(1, 10.0, 1, 1, 0), Met(2, 20.0, None, 2, 1), Met(3, 30.0, 2, 0, 1)]
    course = course_of(met)
    assert [(one.start, one.version, one.rate.value) for one in course.periods] == [(0.0, 1, 1.0), (0.0, 2, 0.0)]
    assert course.mixed == 3


@pytest.mark.parametrize(("days", "unit", "starts"), [(31, "day", [0, 31]), (32, "week", [-3, 32])])
def test_more_than_a_month_goes_by_weeks_that_begin_on_monday(days: int, unit: str, starts: list[int]) -> None:
    course = course_of([Met(1, 0.0, 0, 1, 0), Met(2, float(days * DAY), 0, 1, 0)])
    assert course.unit == unit and [one.start for one in course.periods] == [n * DAY for n in starts]


def test_nothing_judged_is_no_course() -> None:
    assert course_of([]).periods == [] and course_of([Met(1, 0.0, 1, 0, 0)]).periods == []


def test_of_stored_labels(scene: Scene) -> None:
    """Ann labels both items by version 1; bob one by version 1, and a day later one by version 2."""
    task = scene.task(ranking(0), ranking(1), overlap=2)
    ann, bob = scene.caller("ann"), scene.caller("bob")
    with scene.database.write() as connection:
        publish_guideline(connection, task.id, "one", author_id=None, now=scene.now)
    for caller in (ann, ann, bob):
        say(scene, caller, task, ("0", "1", "2"))
    scene.now += DAY
    with scene.database.write() as connection:
        publish_guideline(connection, task.id, "two", author_id=None, now=scene.now)
    say(scene, bob, task, ("2", "1", "0"))
    with scene.database.read() as connection:
        report = agreement_report(connection, task)
    [only] = report.course.periods
    assert (only.version, only.time, only.rate.value, only.judgements) == (1, START, 1.0, 3)
    assert report.course.mixed == 3 and report.pairwise is not None and report.pairwise.value == 0.5
    text = scene.caller("lea", "lead").get(f"/tasks/{task.id}").text
    assert "Agreement by day" in text and "3 judgements of labelers with different guidelines are left out" in text
