from __future__ import annotations

import pytest

from tunesmith.core.errors import ConfigError
from tunesmith.store.annotation import tasks
from tunesmith.store.problems import NoSuchThing, NotNow

from .scene import Scene


def test_a_task_comes_back(scene: Scene) -> None:
    made = scene.task(overlap=3, seed=7)
    with scene.database.read() as connection:
        assert tasks.get_annotation_task(connection, made.id) == made
        assert tasks.find_annotation_task(connection, "helpfulness") == made
        assert tasks.find_annotation_task(connection, "other") is None
        assert tasks.list_annotation_tasks(connection) == [made]
        with pytest.raises(NoSuchThing):
            tasks.get_annotation_task(connection, 99)
    with pytest.raises(NotNow, match="already"):
        scene.task()


@pytest.mark.parametrize("overlap", [0, 51])
def test_an_absurd_overlap_is_refused(scene: Scene, overlap: int) -> None:
    with pytest.raises(ConfigError, match="between 1 and 50"):
        scene.task(overlap=overlap)


def test_a_guideline_has_versions_and_is_confirmed_by_version(scene: Scene) -> None:
    task, ann = scene.task(), scene.user("ann")
    with scene.database.write() as connection:
        assert tasks.current_guideline(connection, task.id) is None
        first = tasks.publish_guideline(connection, task.id, "Be kind.", author_id=ann.id, now=1.0)
        tasks.confirm_read(connection, first.id, ann.id, now=2.0)
        tasks.confirm_read(connection, first.id, ann.id, now=3.0)
        assert tasks.publish_guideline(connection, task.id, "Be kind.", author_id=ann.id, now=4.0) == first
        second = tasks.publish_guideline(connection, task.id, "Be brief.", author_id=ann.id, now=5.0)
        assert (first.version, second.version) == (1, 2)
        assert tasks.has_read(connection, first.id, ann.id) and not tasks.has_read(connection, second.id, ann.id)
        with pytest.raises(NoSuchThing):
            tasks.confirm_read(connection, 99, ann.id, now=0.0)
