from __future__ import annotations

import pytest

from tunesmith.store.annotation import items
from tunesmith.store.annotation.items import NewItem
from tunesmith.store.problems import NoSuchThing

from .scene import Scene, ranking


def test_the_same_record_is_added_once(scene: Scene) -> None:
    task = scene.task(0)
    assert scene.add(task, NewItem(record=ranking(0)), NewItem(record=ranking(0)), NewItem(record=ranking(1))) == (2, 1)
    assert scene.add(task, NewItem(record=ranking(1)), NewItem(record=ranking(2))) == (1, 1)


def test_more_than_one_batch(scene: Scene) -> None:
    assert scene.add(scene.task(0), *(NewItem(record=ranking(n)) for n in range(1203))) == (1203, 0)


def test_an_item_comes_back(scene: Scene) -> None:
    scene.add(scene.task(0), NewItem(record=ranking(0), gold={"order": [["a"]]}))
    with scene.database.read() as connection:
        item = items.get_item(connection, 1)
        assert item.record == ranking(0) and item.gold == {"order": [["a"]]}
        with pytest.raises(NoSuchThing):
            items.get_item(connection, 2)
