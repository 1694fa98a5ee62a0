from __future__ import annotations

import dataclasses

import pytest

from tunesmith.core.errors import DataError
from tunesmith.core.records import Ranking, RankingLabel
from tunesmith.label.agreement import agreement_report
from tunesmith.label.calibration import CalibrationReport, Opened, calibration_report, open_calibration
from tunesmith.label.exporting import labeled_items
from tunesmith.label.review import waiting_for_review
from tunesmith.store.annotation.tasks import AnnotationTask

from .scene import Caller, Scene, ranking
from .test_agreement import say


def with_answer(n: int, *best_first: str) -> Ranking:
    order = tuple((f"m{name}",) for name in best_first or ("0", "1", "2"))
    return dataclasses.replace(ranking(n), rankings=(RankingLabel(labeler="lea", order=order),))


def calibrate(scene: Scene, task: AnnotationTask, *records: Ranking) -> Opened:
    with scene.database.write() as connection:
        return open_calibration(connection, task, records, opened_by=None, now=scene.now)


def finish(caller: Caller, task: AnnotationTask) -> None:
    page = caller.next(task)
    assert page["item"] is None and page["round"]["done"] == page["round"]["of"]
    assert caller.post(f"/api/rounds/{page['round']['id']}/finish").status_code == 200


def report_of(scene: Scene, task: AnnotationTask, opened: Opened) -> CalibrationReport:
    with scene.database.read() as connection:
        return calibration_report(connection, task, opened.round)


def test_the_round_by_hand(scene: Scene) -> None:
    """Ann answers both as the lead; bob turns the last two of the second around: 5 of 6 judgements agree."""
    task = scene.task(ranking(0), overlap=1)
    opened = calibrate(scene, task, with_answer(10), with_answer(11, "2", "1", "0"), ranking(12))
    assert (opened.items, opened.refused) == (
        2,
        {"a gold item needs a ranking or a comparison with the answer in it": 1},
    )
    ann, bob, cyd = scene.caller("ann"), scene.caller("bob"), scene.caller("cyd")
    for caller, second in ((ann, ("2", "1", "0")), (bob, ("2", "0", "1"))):
        say(scene, caller, task, ("0", "1", "2"))
        say(scene, caller, task, second)
        finish(caller, task)
    say(scene, cyd, task, ("2", "1", "0"))  # not finished: not compared yet
    report = report_of(scene, task, opened)
    assert (report.finished, report.n_items) == (2, 2)
    assert report.with_gold is not None and report.with_gold.value == pytest.approx(11 / 12)
    assert report.pairwise is not None and report.pairwise.value == pytest.approx(5 / 6) and report.pairwise.n == 2
    lines = {one.labeler: one for one in report.labelers}
    assert [one.done for one in report.labelers] == [2, 2, 1]
    assert lines["ann"].with_gold is not None and lines["ann"].with_gold.value == 1.0
    assert lines["bob"].with_gold is not None and lines["bob"].with_gold.value == pytest.approx(5 / 6)
    assert lines["cyd"].finished_at is None and lines["cyd"].with_gold is None and lines["cyd"].with_others is None
    assert [one.with_gold.value for one in report.items if one.with_gold] == [1.0, pytest.approx(5 / 6)]


def test_a_round_is_no_work(scene: Scene) -> None:
    """Its labels are not exported, not reviewed, and not part of the task's agreement or progress."""
    task = scene.task(ranking(0), overlap=1)
    calibrate(scene, task, with_answer(10))
    for name, order in (("ann", ("0", "1", "2")), ("bob", ("2", "1", "0"))):
        say(scene, scene.caller(name), task, order)
    with scene.database.read() as connection:
        assert list(labeled_items(connection, task)) == list(labeled_items(connection, task, gold=True)) == []
        assert waiting_for_review(connection, task) == []
        assert agreement_report(connection, task).labels == 0
    assert "0 of 1 labels" in scene.caller("ann").get("/").text


def test_only_orders_can_be_calibrated(scene: Scene) -> None:
    with pytest.raises(DataError, match="only ranking and pairs"):
        calibrate(scene, scene.task(kind="write"), with_answer(1))
    with pytest.raises(DataError, match="nothing to calibrate"):
        calibrate(scene, scene.task(), ranking(1))
