from __future__ import annotations

import threading

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError

from tunesmith.store.annotation import labels, tasks
from tunesmith.store.annotation.tables import label_events
from tunesmith.store.problems import NoSuchThing, NotNow

from .scene import Scene


@pytest.fixture
def held(scene: Scene) -> int:
    item = scene.claim(scene.task(2, overlap=2), "ann")
    assert item is not None
    return item


def test_a_label_comes_back_as_it_was_sent(scene: Scene, held: int) -> None:
    stored = scene.submit("ann", held, order=[["b"], ["a", "c"]], note="naïve \x00 \u202e")
    assert scene.labels(held) == [stored]
    assert stored.payload == {"order": [["b"], ["a", "c"]], "note": "naïve \x00 \u202e"}
    assert (stored.labeler, stored.shown, stored.seconds, stored.time) == ("ann", ("b", "a", "c"), 4.5, scene.now)


def test_the_same_key_is_acknowledged_again_and_stored_once(scene: Scene, held: int) -> None:
    first = scene.submit("ann", held, key="k")
    assert scene.submit("ann", held, key="k") == first
    assert scene.labels(held) == [first]


def test_a_key_means_one_thing(scene: Scene, held: int) -> None:
    scene.submit("ann", held, key="k")
    bob = scene.claim(scene.task_again(), "bob")
    assert bob == held
    with pytest.raises(NotNow, match="key was used"):
        scene.submit("bob", held, key="k")
    with pytest.raises(NotNow, match="key was used"):
        scene.skip("ann", held, key="k")


def test_a_second_label_of_the_same_item_is_refused(scene: Scene, held: int) -> None:
    scene.submit("ann", held)
    with pytest.raises(NotNow, match="you have labeled"):
        scene.submit("ann", held)


def test_many_retries_at_once_store_one_event(scene: Scene, held: int) -> None:
    got: list[int] = []
    threads = [threading.Thread(target=lambda: got.append(scene.submit("ann", held, key="k").id)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 6 and len(set(got)) == 1
    with scene.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(label_events)).scalar_one() == 1


def test_undo_takes_the_label_back_and_the_item_is_held_again(scene: Scene, held: int) -> None:
    event = scene.submit("ann", held, text="first")
    taken = scene.undo("ann", event.id, key="u")
    assert taken.kind == "undo" and scene.labels(held) == []
    assert scene.undo("ann", event.id, key="u") == taken
    again = scene.submit("ann", held, text="second")
    assert scene.labels(held) == [again]
    scene.check_books()


def test_undo_has_an_end_and_is_one_s_own(scene: Scene, held: int) -> None:
    event = scene.submit("ann", held)
    with pytest.raises(NoSuchThing):
        scene.undo("bob", event.id)
    scene.now += labels.UNDO_SECONDS + 1
    with pytest.raises(NotNow, match="120 seconds"):
        scene.undo("ann", event.id)


def test_a_label_is_taken_back_once(scene: Scene, held: int) -> None:
    event = scene.submit("ann", held)
    scene.undo("ann", event.id)
    with pytest.raises(NotNow, match="already"):
        scene.undo("ann", event.id)


def test_a_skipped_item_goes_to_others_and_does_not_come_back(scene: Scene, held: int) -> None:
    task = 1
    scene.skip("ann", held, "not my language")
    with scene.database.read() as connection:
        one = tasks.get_annotation_task(connection, task)
    assert scene.claim(one, "ann") == 2
    assert [scene.claim(one, name) for name in ("bob", "cy")] == [held, held]
    with pytest.raises(NotNow, match="you have skipped"):
        scene.submit("ann", held)
    scene.check_books()


def test_a_skip_can_be_undone_while_a_slot_is_free(scene: Scene, held: int) -> None:
    event = scene.skip("ann", held)
    scene.undo("ann", event.id)
    scene.submit("ann", held)
    assert len(scene.labels(held)) == 1
    scene.check_books()


def test_a_skip_cannot_be_undone_once_the_item_is_full(scene: Scene, held: int) -> None:
    event = scene.skip("ann", held)
    with scene.database.read() as connection:
        one = tasks.get_annotation_task(connection, 1)
    for name in ("bob", "cy"):
        assert scene.claim(one, name) == held
    with pytest.raises(NotNow, match="other labelers"):
        scene.undo("ann", event.id)
    scene.check_books()


def test_a_decision_needs_labels_stands_beside_them_and_ends_undo(scene: Scene, held: int) -> None:
    lead = scene.user("lea", role="lead")
    said = labels.Submission(key="d", item_id=held, payload={"order": [["a"]]})
    with pytest.raises(NotNow, match="nobody has labeled"), scene.database.write() as connection:
        labels.decide(connection, lead, said, now=scene.now)
    event = scene.submit("ann", held)
    with scene.database.write() as connection:
        decision = labels.decide(connection, lead, said, now=scene.now)
        assert labels.decide(connection, lead, said, now=scene.now) == decision
    with scene.database.read() as connection:
        assert labels.decision_on(connection, held) == decision
        assert list(labels.label_stream(connection, 1)) == [event, decision]
    assert scene.labels(held) == [event]
    with pytest.raises(NotNow, match="reviewer"):
        scene.undo("ann", event.id)


def test_the_guideline_s_version_is_stored_with_the_label(scene: Scene) -> None:
    task = scene.task(2, overlap=1)
    versions = []
    for text in ("Be kind.", "Be kind and brief."):
        with scene.database.write() as connection:
            tasks.publish_guideline(connection, task.id, text, author_id=None, now=scene.now)
        item = scene.claim(task, "ann")
        assert item is not None
        versions.append(scene.submit("ann", item).guideline_version)
    assert versions == [1, 2]


@pytest.mark.parametrize("change", [update(label_events).values(payload="{}"), delete(label_events)])
def test_the_log_is_append_only(scene: Scene, held: int, change: object) -> None:
    scene.submit("ann", held)
    with pytest.raises(DBAPIError, match="append-only"), scene.database.write() as connection:
        connection.execute(change)  # type: ignore[call-overload]
    assert len(scene.labels(held)) == 1


def test_an_item_that_was_never_handed_out_takes_no_label(scene: Scene, held: int) -> None:
    with pytest.raises(NotNow, match="not given"):
        scene.submit("bob", held)
    with pytest.raises(NoSuchThing):
        scene.submit("bob", 99)
