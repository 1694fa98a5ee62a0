from __future__ import annotations

import json

from tunesmith.label.review import waiting_for_review

from .scene import Scene, new_key, prompt, ranking


def test_the_most_disputed_item_comes_first_and_a_decided_one_is_gone(scene: Scene) -> None:
    task = scene.task(ranking(0), ranking(1), ranking(2))
    orders = {"ann": ("0", "1", "2"), "bob": ("0", "1", "2")}
    other = {0: ("0", "2", "1"), 1: ("2", "1", "0"), 2: ("0", "1", "2")}
    for name in orders:
        caller = scene.caller(name)
        for n in range(3):
            page = caller.next(task)
            caller.label(page["item"]["id"], scene.rank_answer(page, orders[name] if name == "ann" else other[n]))
    with scene.database.read() as connection:
        found = waiting_for_review(connection, task)
    assert [(one.item_id, one.n_labels) for one in found] == [(2, 2), (1, 2)]
    assert found[0].disagreement == 1.0
    lead = scene.caller("lea", "lead")
    view = lead.post("/api/items/2/review").json()
    assert {said["labeler"] for said in view["labels"]} == {"ann", "bob"}
    assert "secret" not in json.dumps(view)  # who wrote what stays hidden from reviewers too
    body = {"key": new_key(), "answer": scene.rank_answer(view, ("0", "1", "2")), "seconds": 1}
    assert lead.post("/api/items/2/decision", body).status_code == 200
    with scene.database.read() as connection:
        assert [one.item_id for one in waiting_for_review(connection, task)] == [1]


def test_written_texts_all_wait(scene: Scene) -> None:
    task, ann = scene.task(prompt(), kind="write"), scene.caller("ann")
    ann.label(ann.next(task)["item"]["id"], {"text": "Mine."})
    with scene.database.read() as connection:
        assert waiting_for_review(connection, task) == [(1, 1, None)]
