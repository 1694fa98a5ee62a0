from __future__ import annotations

import pytest

from tunesmith.label.agreement import agreement_report
from tunesmith.store.annotation.items import NewItem, add_items

from .scene import Caller, Scene, ranking


def say(scene: Scene, caller: Caller, task: object, order: tuple[str, ...], seconds: float = 10.0) -> None:
    page = caller.next(task)  # type: ignore[arg-type]
    assert caller.label(page["item"]["id"], scene.rank_answer(page, order), seconds=seconds).status_code == 200


def test_the_report_by_hand(scene: Scene) -> None:
    """Ann and bob agree on items 0 and 1; cy turns the order around: 6 of 18 judgements agree, tau is 1, -1, -1."""
    task = scene.task(ranking(0), ranking(1), overlap=3)
    for name, order in (("ann", ("0", "1", "2")), ("bob", ("0", "1", "2")), ("cy", ("2", "1", "0"))):
        caller = scene.caller(name)
        for _ in range(2):
            say(scene, caller, task, order, seconds=2.0 if name == "cy" else 10.0)
    with scene.database.read() as connection:
        report = agreement_report(connection, task)
    assert report.labels == 6 and report.pairwise is not None and report.tau is not None
    assert (report.pairwise.value, report.pairwise.n) == (pytest.approx(1 / 3), 2)
    assert report.tau.value == pytest.approx(-1 / 3)
    ann, _bob, cy = report.labelers
    assert ann.with_others is not None and ann.with_others.value == pytest.approx(0.5)
    assert cy.with_others is not None and cy.with_others.value == 0.0
    assert ann.tau is not None and ann.tau.value == pytest.approx(0.0)
    # Completion n has n letters more than completion 0: ann always prefers the shorter one.
    assert ann.longer is not None and ann.longer.value == 0.0 and cy.longer is not None and cy.longer.value == 1.0
    assert (
        cy.speeding is not None and cy.speeding.value == 1.0 and ann.speeding is not None and ann.speeding.value == 0.0
    )
    assert ann.median_seconds == 10.0


def test_gold_counts_for_the_labeler_alone(scene: Scene) -> None:
    task = scene.task(ranking(0), gold_every=1)
    with scene.database.write() as connection:
        add_items(connection, task, [NewItem(record=ranking(9), gold={"order": [["m0"], ["m1"], ["m2"]]})])
    ann = scene.caller("ann")
    for _ in range(2):
        say(scene, ann, task, ("0", "2", "1"))
    with scene.database.read() as connection:
        report = agreement_report(connection, task)
    [line] = report.labelers
    assert report.labels == 1 and line.with_gold is not None and line.with_gold.value == pytest.approx(2 / 3)
    assert report.pairwise is None and report.order_alpha is None and line.tau is None


def test_without_labels_there_is_nothing_to_say(scene: Scene) -> None:
    task = scene.task(ranking())
    with scene.database.read() as connection:
        report = agreement_report(connection, task)
    assert (report.labels, report.pairwise, report.rating_alpha, list(report.labelers)) == (0, None, None, [])
