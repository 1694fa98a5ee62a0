from __future__ import annotations

import pytest

from tunesmith.store.annotation import candidates, items, rounds, tasks, users
from tunesmith.store.problems import NoSuchThing

from .scene import Scene, ranking


def screening(scene: Scene) -> tasks.AnnotationTask:
    """A screening with one text to write, and a candidate of it."""
    with scene.database.write() as connection:
        task = tasks.add_annotation_task(connection, "clerks", kind="screening", overlap=1, now=scene.now)
        new = (items.NewItem(record=ranking(1)), "writing")
        rounds.open_round(connection, task, [new], opened_by=None, now=scene.now)  # type: ignore[list-item]
        users.add_user(connection, "cand", role="labeler", candidate_of=task.id, now=scene.now)
    return task


def decide(scene: Scene, task: tasks.AnnotationTask, name: str, approved: bool, note: str = "") -> None:
    lead, who = scene.user("lea", role="lead"), scene.user(name)
    with scene.database.write() as connection:
        candidates.decide(connection, task, who, approved=approved, note=note, decided_by=lead, now=scene.now)


def test_a_candidate_works_on_the_screening_alone_until_approved(scene: Scene) -> None:
    ordinary, task = scene.task(1), screening(scene)
    assert task.kind == "screening"
    assert scene.claim(ordinary, "cand") is None and scene.claim(task, "ann") is None
    item = scene.claim(task, "cand")
    assert item is not None
    scene.submit("cand", item, text="Hello.")
    decide(scene, task, "cand", False, "Too short.")
    assert scene.claim(ordinary, "cand") is None
    decide(scene, task, "cand", True)
    assert scene.claim(ordinary, "cand") is not None
    with scene.database.read() as connection:
        verdict = candidates.verdicts_in(connection, task.id)[scene.user_in(connection, "cand").id]
        assert (verdict.approved, verdict.note, verdict.decided_by) == (True, "", "lea")
        assert [one.name for one in candidates.candidates(connection, task.id)] == ["cand"]


def test_only_candidates_are_decided_on(scene: Scene) -> None:
    task = screening(scene)
    with pytest.raises(NoSuchThing, match="no candidate"):
        decide(scene, task, "ann", True)


def test_the_newest_grade_of_each_grader_counts(scene: Scene) -> None:
    task = screening(scene)
    item = scene.claim(task, "cand")
    assert item is not None
    event = scene.submit("cand", item, text="Hello.").id
    lea, max_ = scene.user("lea", role="lead"), scene.user("max", role="lead")
    with scene.database.write() as connection:
        for grader, value in ((lea, 3), (max_, 7), (lea, 5)):
            candidates.grade(connection, event, grader, value, now=scene.now)
    with scene.database.read() as connection:
        assert candidates.grades_in(connection, task.id) == {event: {lea.id: 5, max_.id: 7}}


def test_only_demonstrations_are_graded(scene: Scene) -> None:
    task = scene.task(1)
    item = scene.claim(task, "ann")
    assert item is not None
    event, lea = scene.submit("ann", item).id, scene.user("lea", role="lead")
    for number in (event, 99):
        with pytest.raises(NoSuchThing, match="no demonstration"), scene.database.write() as connection:
            candidates.grade(connection, number, lea, 5, now=scene.now)
