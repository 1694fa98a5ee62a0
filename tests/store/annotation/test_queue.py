from __future__ import annotations

import dataclasses
import threading
from collections import Counter

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from tunesmith.store.annotation import queue, tasks
from tunesmith.store.annotation.items import NewItem
from tunesmith.store.annotation.tables import leases
from tunesmith.store.problems import NotNow

from .scene import Scene, ranking


def test_each_item_goes_to_exactly_overlap_labelers(scene: Scene) -> None:
    task = scene.task(2, overlap=2)
    got = {name: scene.claim(task, name) for name in ("ann", "bob", "cy", "dee")}
    assert got["ann"] == got["bob"] != got["cy"] == got["dee"]
    assert scene.claim(task, "eve") is None
    scene.check_books()


def test_the_held_item_comes_back_until_it_is_labeled(scene: Scene) -> None:
    task = scene.task(2, overlap=1)
    first = scene.claim(task, "ann")
    assert first is not None and scene.claim(task, "ann") == first
    scene.submit("ann", first)
    assert scene.claim(task, "ann") not in (None, first)


def test_a_labeler_never_meets_an_item_twice(scene: Scene) -> None:
    task = scene.task(3, overlap=3)
    met = []
    while (item := scene.claim(task, "ann")) is not None:
        met.append(item)
        scene.submit("ann", item)
    assert len(met) == len(set(met)) == 3


def test_an_expired_lease_goes_to_somebody_else_and_is_lost_to_the_first(scene: Scene) -> None:
    task = scene.task(1, overlap=1)
    item = scene.claim(task, "ann")
    assert item is not None and scene.claim(task, "bob") is None
    scene.now += task.lease_seconds + 1
    assert scene.claim(task, "bob") == item
    with pytest.raises(NotNow, match="other labelers have finished"):
        scene.submit("ann", item)
    scene.submit("bob", item)
    scene.check_books()


def test_a_label_after_the_lease_ran_out_counts_where_a_slot_is_free(scene: Scene) -> None:
    task = scene.task(1, overlap=2)
    item = scene.claim(task, "ann")
    scene.now += task.lease_seconds + 1
    assert scene.claim(task, "bob") == item  # reclaims ann's slot
    assert item is not None and scene.submit("ann", item).labeler == "ann"
    scene.check_books()


def test_priority_comes_first_and_skills_are_needed(scene: Scene) -> None:
    task = scene.task(0, overlap=1)
    scene.add(
        task,
        NewItem(record=ranking(0)),
        NewItem(record=ranking(1), priority=5, skill="german"),
        NewItem(record=ranking(2), priority=1),
    )
    scene.user("kim", skills=["german"])
    assert [scene.claim(task, name) for name in ("ann", "kim", "bob", "cy")] == [3, 2, 1, None]


def test_gold_items_are_mixed_in_for_everybody_at_places_that_the_seed_decides(scene: Scene) -> None:
    task = scene.task(12, overlap=3, gold_every=2)
    scene.add(task, *(NewItem(record=ranking(100 + n), gold={"order": [["a"]]}) for n in range(9)))
    orders = {}
    for name in ("ann", "bob"):
        orders[name] = []
        while (item := scene.claim(task, name)) is not None:
            orders[name].append(item)
            scene.submit(name, item)
        gold = [item for item in orders[name] if item > 12]
        assert [item for item in orders[name] if item <= 12] == list(range(1, 13))
        assert 3 <= len(gold) <= 9 and len(set(gold)) == len(gold)
    assert [n > 12 for n in orders["ann"]] != [n > 12 for n in orders["bob"]]


def test_a_paused_task_hands_nothing_out_but_takes_what_is_held(scene: Scene) -> None:
    task = scene.task(2)
    item = scene.claim(task, "ann")
    with scene.database.write() as connection:
        tasks.set_paused(connection, task.id, True)
    assert scene.claim(task, "bob") is None
    assert item is not None and scene.submit("ann", item)


def test_a_raised_overlap_asks_more_labelers_and_a_lowered_one_keeps_what_is_there(scene: Scene) -> None:
    task = scene.task(1, overlap=2)
    for name in ("ann", "bob"):
        item = scene.claim(task, name)
        assert item is not None
        scene.submit(name, item)
    for overlap, next_one in ((3, 1), (1, None)):
        with scene.database.write() as connection:
            tasks.set_overlap(connection, task.id, overlap)
        assert scene.claim(task, f"labeler {overlap}") == next_one
        scene.check_books()
    assert len(scene.labels(1)) == 2


def test_the_database_itself_refuses_a_second_labeler_in_a_slot(scene: Scene) -> None:
    task = scene.task(1)
    scene.claim(task, "ann")
    bob = scene.user("bob")
    row = {"item_id": 1, "user_id": bob.id, "slot": 0, "state": "held", "expires_at": 0.0}
    with pytest.raises(IntegrityError), scene.database.write() as connection:
        connection.execute(insert(leases).values(row))


def test_an_item_that_is_only_locked_for_a_moment_is_waited_for(scene: Scene) -> None:
    task = scene.task(1, overlap=2)
    scene.user("ann")
    got: list[int | None] = []
    claiming = threading.Thread(target=lambda: got.append(scene.claim(task, "ann")))
    with scene.database.write() as connection:
        queue.lock_item(connection, 1)
        claiming.start()
        claiming.join(0.5)
        assert got == []
    claiming.join()
    assert got == [1]


def test_overlap_is_exact_under_threads(scene: Scene) -> None:
    """Eight labelers at once, half of them leaving leases to expire: 20 items x 3 labels and not one more."""
    task = scene.task(20, overlap=3)
    task = dataclasses.replace(task)
    failures: list[BaseException] = []
    users = [scene.user(f"labeler {n}") for n in range(8)]

    def work(name: str) -> None:
        try:
            while (item := scene.claim(task, name)) is not None:
                scene.submit(name, item)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(user.name,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    counts = Counter({item: len(scene.labels(item)) for item in range(1, 21)})
    assert set(counts.values()) == {3}
    scene.check_books()
