from __future__ import annotations

import dataclasses

from tunesmith.core.records import Demonstration, Message, RankingLabel
from tunesmith.label.importing import import_labels
from tunesmith.store.annotation.labels import labels_of, skip
from tunesmith.store.annotation.queue import claim

from .scene import Scene, ranking

A, B = ((("m0",), ("m1",), ("m2",))), ((("m2", "m1"), ("m0",)))


def labeled(n: int, **orders: tuple[tuple[str, ...], ...]) -> object:
    labels = tuple(RankingLabel(labeler=name, order=order, seconds=3.0) for name, order in orders.items())
    return dataclasses.replace(ranking(n), rankings=labels)


def test_rankings_enter_once_under_their_labelers_names(scene: Scene) -> None:
    task = scene.task(overlap=2)
    for new, known in ((2, 0), (0, 2)):
        with scene.database.write() as connection:
            found = import_labels(connection, task, [labeled(0, ann=A, bob=B)], now=scene.now)  # type: ignore[list-item]
        assert (found.new, found.known, found.refused) == (new, known, {})
    with scene.database.read() as connection:
        events = labels_of(connection, 1)
    assert [(event.labeler, event.seconds) for event in events] == [("ann", 3.0), ("bob", 3.0)]
    assert events[1].payload["order"] == [["m2", "m1"], ["m0"]]


def test_what_does_not_fit_is_counted_and_the_rest_stays(scene: Scene) -> None:
    task = scene.task(overlap=2)
    records = [
        labeled(0, ann=A, bob=A, cy=A),  # one more than there are places
        labeled(0, ann=B),  # something else than before
        labeled(1, ann=(("m0",),)),  # leaves completions out
        ranking(2),  # no labels
    ]
    with scene.database.write() as connection:
        found = import_labels(connection, task, records, now=scene.now)  # type: ignore[arg-type]
    assert found.new == 2 and sum(found.refused.values()) == 4


def test_a_label_from_elsewhere_outweighs_a_skip(scene: Scene) -> None:
    task = scene.task(overlap=2)
    with scene.database.write() as connection:
        import_labels(connection, task, [labeled(0, bob=B)], now=scene.now)  # type: ignore[list-item]
    ann = scene.user("ann")
    with scene.database.write() as connection:
        lease = claim(connection, task, ann, now=scene.now)
        assert lease is not None
        skip(connection, ann, "k" * 20, lease.item_id, "not my language", now=scene.now)
    with scene.database.write() as connection:
        found = import_labels(connection, task, [labeled(0, ann=A)], now=scene.now)  # type: ignore[list-item]
    assert (found.new, found.refused) == (1, {})
    with scene.database.read() as connection:
        assert [event.labeler for event in labels_of(connection, lease.item_id)] == ["bob", "ann"]


def test_demonstrations_enter_a_write_task(scene: Scene) -> None:
    task = scene.task(kind="write")
    messages = (Message("user", "Hi"), Message("assistant", "Hello."))
    with scene.database.write() as connection:
        found = import_labels(
            connection, task, [Demonstration(messages=messages, meta={"labeler": "ann"})], now=scene.now
        )
        [event] = labels_of(connection, 1)
    assert found.new == 1 and (event.labeler, event.payload) == ("ann", {"text": "Hello."})
