from __future__ import annotations

import json

from tunesmith.store.annotation import labels, tasks
from tunesmith.store.annotation.items import NewItem, add_items

from .scene import Scene, demonstration, new_key, prompt, ranking


def test_nothing_on_the_page_tells_who_wrote_what(scene: Scene) -> None:
    task = scene.task(ranking())
    with scene.database.write() as connection:
        add_items(connection, task, [NewItem(record=ranking(1), gold={"order": [["m0"]]})])
    page = json.dumps(scene.caller("ann").next(task))
    for secret in ("secret", "m0", "m1", "gold", "model"):
        assert secret not in page


def test_a_label_travels_from_letters_to_ids(scene: Scene) -> None:
    task, ann = scene.task(ranking()), scene.caller("ann")
    page = ann.next(task)
    answer = ann.label(page["item"]["id"], scene.rank_answer(page, ("2", "0", "1")), seconds=12.5)
    assert answer.status_code == 200
    with scene.database.read() as connection:
        [event] = labels.labels_of(connection, page["item"]["id"])
    assert event.payload["order"] == [["m2"], ["m0"], ["m1"]] and event.seconds == 12.5
    assert sorted(event.shown) == ["m0", "m1", "m2"] and answer.json()["event"] == event.id
    texts = [one["text"].split(" ")[1] for one in page["item"]["completions"]]
    assert [f"m{text}" for text in texts] == list(event.shown)


def test_a_retry_is_acknowledged_and_stored_once(scene: Scene) -> None:
    task, ann, key = scene.task(ranking(), overlap=1), scene.caller("ann"), new_key()
    page = ann.next(task)
    answer = scene.rank_answer(page, ("0", "1", "2"))
    first, second = (ann.label(page["item"]["id"], answer, key=key).json() for _ in range(2))
    assert first == second


def test_a_bad_answer_stores_nothing_and_says_where(scene: Scene) -> None:
    task, ann = scene.task(ranking()), scene.caller("ann")
    page = ann.next(task)
    refused = ann.label(page["item"]["id"], {"order": [["A"]], "ratings": {}})
    assert refused.status_code == 422 and refused.json()["error"]["where"] == "order"
    assert ann.next(task)["item"]["id"] == page["item"]["id"]


def test_times_keys_and_numbers_are_sane(scene: Scene) -> None:
    scene.task(ranking())
    ann = scene.caller("ann")
    for seconds in (-1, 1e9, "5", None):
        body = {"key": new_key(), "answer": {}, "seconds": seconds}
        assert ann.post("/api/items/1/label", body).status_code == 422
    for key in ("", "short", "x" * 65, "spaces in it are bad", "' OR 1=1 --------"):
        assert ann.post("/api/items/1/skip", {"key": key, "reason": "r"}).status_code == 422
    for number in ("0", "-1", "99999999999999999999", "x", "1.5"):
        assert ann.post(f"/api/tasks/{number}/next").status_code == 422


def test_what_does_not_exist_or_is_not_one_s_own(scene: Scene) -> None:
    task, ann, bob = scene.task(ranking()), scene.caller("ann"), scene.caller("bob")
    page = ann.next(task)
    item = page["item"]["id"]
    assert ann.post("/api/tasks/9/next").status_code == 404
    answer = {"order": [["A"], ["B"], ["C"]], "ratings": {"A": 3, "B": 2, "C": 1}}
    assert bob.label(item, answer).status_code == 409
    stored = ann.label(item, scene.rank_answer(page, ("0", "1", "2"))).json()
    assert bob.post(f"/api/labels/{stored['event']}/undo", {"key": new_key()}).status_code == 404


def test_skip_and_undo(scene: Scene) -> None:
    task, ann = scene.task(ranking(0), ranking(1)), scene.caller("ann")
    first = ann.next(task)["item"]["id"]
    skipped = ann.post(f"/api/items/{first}/skip", {"key": new_key(), "reason": "unclear"}).json()
    assert ann.next(task)["item"]["id"] != first
    assert ann.post(f"/api/labels/{skipped['event']}/undo", {"key": new_key()}).status_code == 200


def test_renewing_keeps_the_item(scene: Scene) -> None:
    task, ann, bob = scene.task(ranking(), overlap=1), scene.caller("ann"), scene.caller("bob")
    item = ann.next(task)["item"]["id"]
    for _ in range(5):
        scene.now += task.lease_seconds - 60
        assert ann.post(f"/api/items/{item}/renew").json() == {"held": True}
    assert bob.next(task)["item"] is None
    assert bob.post(f"/api/items/{item}/renew").json() == {"held": False}


def test_a_new_guideline_is_unread_until_confirmed(scene: Scene) -> None:
    task, ann = scene.task(ranking()), scene.caller("ann")
    assert ann.next(task)["guideline"] is None
    for text in ("Be kind.", "Be brief."):
        with scene.database.write() as connection:
            tasks.publish_guideline(connection, task.id, text, author_id=None, now=scene.now)
        page = ann.next(task)
        assert (page["guideline"]["text"], page["guideline"]["read"]) == (text, False)
        assert ann.post(f"/api/guidelines/{page['guideline']['id']}/read").status_code == 200
        assert ann.next(task)["guideline"]["read"]


def test_writing_and_editing(scene: Scene) -> None:
    ann = scene.caller("ann")
    write, edit = scene.task(prompt(), kind="write"), scene.task(demonstration(), kind="edit")
    page = ann.next(write)
    assert page["item"]["draft"] is None and page["item"]["completions"] == []
    assert ann.label(page["item"]["id"], {"text": "Mine."}).status_code == 200
    page = ann.next(edit)
    assert page["item"]["draft"] == "Draft 0." and [one["role"] for one in page["item"]["messages"]] == ["user"]
    assert ann.label(page["item"]["id"], {"text": "Better."}).status_code == 200
