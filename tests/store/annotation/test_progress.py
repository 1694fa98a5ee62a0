from __future__ import annotations

from tunesmith.store.annotation import progress
from tunesmith.store.annotation.items import NewItem

from .scene import START, Scene, ranking


def test_progress_counts_labels_and_leaves_gold_out(scene: Scene) -> None:
    task = scene.task(3, overlap=2)
    scene.add(task, NewItem(record=ranking(9), gold={}))
    for name in ("ann", "bob"):
        item = scene.claim(task, name)
        assert item is not None
        scene.submit(name, item)
    event = scene.submit("ann", scene.claim(task, "ann") or 0)
    scene.undo("ann", event.id)
    with scene.database.read() as connection:
        assert progress.progress(connection, task.id) == (3, 1, 6, 2, 1)
        ann = scene.user_in(connection, "ann")
        assert progress.my_labels(connection, task.id, ann) == 1
        assert progress.waiting_for(connection, task, ann, None) == 1


def test_an_empty_task_has_no_progress(scene: Scene) -> None:
    task = scene.task(0)
    with scene.database.read() as connection:
        assert progress.progress(connection, task.id) == (0, 0, 0, 0, 0)


def test_labels_per_hour_and_skips(scene: Scene) -> None:
    task = scene.task(4, overlap=1)
    for hours in (0, 0, 3):
        scene.now = START + hours * 3600
        scene.submit("ann", scene.claim(task, "ann") or 0)
    scene.skip("ann", scene.claim(task, "ann") or 0, "unclear")
    with scene.database.read() as connection:
        hour = int(START) // 3600 * 3600
        assert progress.labels_per_hour(connection, task.id, since=0.0) == [(hour, 2), (hour + 3 * 3600, 1)]
        assert progress.labels_per_hour(connection, task.id, since=START + 1) == [(hour + 3 * 3600, 1)]
        assert progress.skips(connection, task.id) == [("ann", "unclear", 1)]
