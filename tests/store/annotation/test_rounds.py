from __future__ import annotations

import pytest

from tunesmith.store.annotation import items, rounds, tasks
from tunesmith.store.problems import NoSuchThing, NotNow

from .scene import Scene, ranking

GOLD = {"order": [["a"], ["b"], ["c"]]}


def open_round(scene: Scene, task: tasks.AnnotationTask, *numbers: int) -> rounds.Round:
    made = [(items.NewItem(record=ranking(n), gold=GOLD), None) for n in numbers]
    with scene.database.write() as connection:
        return rounds.open_round(connection, task, made, opened_by=None, now=scene.now)


def finish(scene: Scene, one: rounds.Round, name: str) -> None:
    with scene.database.write() as connection:
        rounds.finish(connection, one.id, scene.user_in(connection, name), now=scene.now)


def left(scene: Scene, one: rounds.Round, name: str) -> rounds.Left:
    user = scene.user(name)
    with scene.database.read() as connection:
        return rounds.left_in(connection, one.id, user)


def test_everybody_answers_the_round_first_in_its_order(scene: Scene) -> None:
    task = scene.task(3, overlap=1)
    one = open_round(scene, task, 12, 11)
    with scene.database.read() as connection:
        order = [found.item_id for found in rounds.items_of(connection, one.id)]
    for name in ("ann", "bob", "cyd"):
        met = []
        for _ in range(2):
            item_id = scene.claim(task, name)
            assert item_id is not None
            met.append(item_id)
            scene.submit(name, item_id)
        assert met == order
        assert scene.claim(task, name) is None, "the round is to be finished first"
        finish(scene, one, name)
        ordinary = scene.claim(task, name)
        assert ordinary is not None and ordinary not in order
    scene.check_books()


def test_a_round_is_finished_when_all_is_answered_or_skipped(scene: Scene) -> None:
    task = scene.task(1)
    one = open_round(scene, task, 11, 12)
    with pytest.raises(NotNow, match="0 of 2"):
        finish(scene, one, "ann")
    first = scene.claim(task, "ann")
    assert first is not None and left(scene, one, "ann") == (first + 1, 0, 2)
    scene.skip("ann", first)
    second = scene.claim(task, "ann")
    assert second is not None and left(scene, one, "ann") == (None, 1, 2)
    scene.submit("ann", second)
    for _ in range(2):
        finish(scene, one, "ann")
    ann = scene.user("ann")
    with scene.database.read() as connection:
        assert rounds.finishes(connection, one.id) == {ann.id: scene.now}


def test_answers_can_be_taken_back_until_the_round_is_finished(scene: Scene) -> None:
    """Whoever has seen the known answers cannot change their own."""
    task = scene.task(1)
    one = open_round(scene, task, 11)
    item = scene.claim(task, "ann")
    assert item is not None
    event = scene.submit("ann", item)
    scene.undo("ann", event.id)
    assert scene.claim(task, "ann") == item
    event = scene.submit("ann", item)
    finish(scene, one, "ann")
    with pytest.raises(NotNow, match="finished the round"):
        scene.undo("ann", event.id)


def test_a_new_round_takes_the_place_of_the_one_before(scene: Scene) -> None:
    task = scene.task(1)
    first = open_round(scene, task, 11)
    held = scene.claim(task, "ann")
    with scene.database.write() as connection:
        tasks.publish_guideline(connection, task.id, "Be kind.", author_id=None, now=scene.now)
    second = open_round(scene, task, 12)
    assert (first.number, first.version, second.number, second.version) == (1, None, 2, 1)
    assert scene.claim(task, "ann") == held, "what is held is finished first"
    assert held is not None
    scene.submit("ann", held)
    item = scene.claim(task, "ann")
    with scene.database.read() as connection:
        assert [found.item_id for found in rounds.items_of(connection, second.id)] == [item]
        assert [one.number for one in rounds.list_rounds(connection, task.id)] == [2, 1]


def test_an_expired_place_in_a_round_is_given_again(scene: Scene) -> None:
    task = scene.task(1)
    open_round(scene, task, 11)
    item = scene.claim(task, "ann")
    scene.now += task.lease_seconds + 1
    assert scene.claim(task, "ann") == item
    scene.check_books()


def test_items_of_a_round_are_new(scene: Scene) -> None:
    """Somebody may have met an item of the queue; such a round is not opened at all."""
    task = scene.task(1)
    with pytest.raises(NotNow, match="in the annotation task already"):
        open_round(scene, task, 11, 0)
    with scene.database.read() as connection:
        assert rounds.list_rounds(connection, task.id) == []
    with pytest.raises(NoSuchThing), scene.database.read() as connection:
        rounds.get_round(connection, 7)


def test_items_of_a_round_are_no_hidden_tests(scene: Scene) -> None:
    task = scene.task(2, overlap=1, gold_every=1)
    one = open_round(scene, task, 11)
    for _ in range(3):
        item = scene.claim(task, "ann")
        assert item is not None
        scene.submit("ann", item)
        if item == 3:
            finish(scene, one, "ann")
    assert scene.claim(task, "ann") is None
    ann = scene.user("ann")
    with scene.database.read() as connection:
        assert rounds.answers_stand(connection, 3, ann.id) and not rounds.answers_stand(connection, 1, ann.id)
        assert rounds.measure_of(connection, 3) is None and rounds.due_round(connection, task.id, ann) is None
