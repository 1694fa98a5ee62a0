from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat

from tunesmith.label.agreement import agreement_report
from tunesmith.label.agreement_cache import REST, AgreementCache, Known
from tunesmith.store.annotation.tasks import AnnotationTask

from .scene import Scene, ranking
from .test_agreement import say


def asked(scene: Scene, cache: AgreementCache, task: AnnotationTask) -> Known:
    with scene.database.read() as connection:
        return cache.report(connection, task)


def ticking(*times: float) -> Iterator[float]:
    return chain(times, repeat(times[-1]))


def test_a_report_stands_until_somebody_says_something_and_then_for_twenty_times_its_own_time(scene: Scene) -> None:
    task = scene.task(ranking(0), ranking(1), overlap=2)
    # Begun and made at 0 and 2 s; then three visits; then made again at 2 + 20 * 2 s.
    times = ticking(0.0, 2.0, 5.0, 7.0, 2.0 + 2 * REST - 0.5, 2.0 + 2 * REST)
    cache = AgreementCache(lambda: next(times))
    first = asked(scene, cache, task)
    assert first.report.labels == 0 and first.seconds_old is None
    again = asked(scene, cache, task)
    assert again.report is first.report and again.seconds_old is None
    say(scene, scene.caller("ann"), task, ("0", "1", "2"))
    older = asked(scene, cache, task)
    assert older.report is first.report and older.seconds_old == 5.0
    assert asked(scene, cache, task).seconds_old == 2 * REST - 0.5
    newest = asked(scene, cache, task)
    assert newest.report.labels == 1 and newest.seconds_old is None
    with scene.database.read() as connection:
        assert newest.report == agreement_report(connection, task)


def test_each_task_has_its_own_report(scene: Scene) -> None:
    one, other = scene.task(ranking(0), name="one"), scene.task(ranking(1), name="other")
    say(scene, scene.caller("ann"), one, ("0", "1", "2"))
    cache = AgreementCache()
    assert [asked(scene, cache, task).report.labels for task in (one, other, one)] == [1, 0, 1]


def test_the_page_says_how_old_its_figures_are(scene: Scene) -> None:
    task = scene.task(ranking(0), ranking(1))
    times = ticking(0.0, 10.0, 33.0)
    scene.desk.agreement._clock = lambda: next(times)
    lead = scene.caller("lea", "lead")
    assert "seconds ago" not in lead.get(f"/tasks/{task.id}").text
    say(scene, scene.caller("ann"), task, ("0", "1", "2"))
    assert "As of 23 seconds ago" in lead.get(f"/tasks/{task.id}").text
