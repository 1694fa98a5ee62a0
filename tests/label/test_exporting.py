from __future__ import annotations

import io
import json
from typing import Any

from tunesmith.core.reading_records import from_json
from tunesmith.core.records import Comparison, Demonstration, Ranking
from tunesmith.label import exporting
from tunesmith.store.annotation.items import NewItem, add_items

from .scene import Scene, new_key, prompt, ranking


def lines(out: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def rankings(scene: Scene, task: Any, **options: Any) -> list[Ranking]:
    out = io.BytesIO()
    with scene.database.read() as connection:
        exporting.write_rankings(exporting.labeled_items(connection, task, **options), out)
    found = [from_json(line) for line in lines(out)]
    assert all(isinstance(one, Ranking) for one in found)
    return found  # type: ignore[return-value]


def test_rankings_hold_every_label_that_stands(scene: Scene) -> None:
    task = scene.task(ranking(0), ranking(1))
    for name, order in (("ann", ("2", "0", "1")), ("bob", ("0", "2", "1"))):
        caller = scene.caller(name)
        page = caller.next(task)
        answer = scene.rank_answer(page, order) | {"flags": {"A": ["toxic"]}, "none_acceptable": name == "bob"}
        stored = caller.label(page["item"]["id"], answer).json()
    caller.post(f"/api/labels/{stored['event']}/undo", {"key": new_key()})
    [one] = rankings(scene, task)
    assert [label.labeler for label in one.rankings] == ["ann"]
    assert one.rankings[0].order == (("m2",), ("m0",), ("m1",)) and one.rankings[0].time == "2027-01-15T08:00:00+00:00"
    assert one.completions == ranking().completions
    caller.label(page["item"]["id"], answer)
    [one] = rankings(scene, task)
    assert all("not_acceptable" in said for said in one.rankings[1].flags.values()) and len(one.rankings[1].flags) == 3
    [one] = rankings(scene, task, without=["ann"])
    assert [label.labeler for label in one.rankings] == ["bob"]


def test_a_decision_stands_for_the_labels(scene: Scene) -> None:
    task = scene.task(ranking())
    caller, lead = scene.caller("ann"), scene.caller("lea", "lead")
    page = caller.next(task)
    caller.label(page["item"]["id"], scene.rank_answer(page, ("0", "1", "2")))
    view = lead.post(f"/api/items/{page['item']['id']}/review").json()
    body = {"key": new_key(), "answer": scene.rank_answer(view, ("2", "1", "0")), "seconds": 1}
    assert lead.post(f"/api/items/{page['item']['id']}/decision", body).status_code == 200
    [one] = rankings(scene, task)
    assert [(label.labeler, label.order) for label in one.rankings] == [("lea", (("m2",), ("m1",), ("m0",)))]
    [one] = rankings(scene, task, decisions=False)
    assert [label.labeler for label in one.rankings] == ["ann"]


def test_comparisons_name_ties(scene: Scene) -> None:
    task, ann = scene.task(ranking()), scene.caller("ann")
    page = ann.next(task)
    ann.label(page["item"]["id"], {"order": [["A", "B"], ["C"]], "ratings": {"A": 5, "B": 5, "C": 1}})
    out, ties = io.BytesIO(), io.BytesIO()
    with scene.database.read() as connection:
        written = exporting.write_comparisons(exporting.labeled_items(connection, task), out, ties)
    assert written == (2, 1)
    found = [from_json(line) for line in lines(out)]
    texts = {one["letter"]: one["text"] for one in page["item"]["completions"]}
    assert {(one.chosen, one.rejected) for one in found if isinstance(one, Comparison)} == {
        (texts["A"], texts["C"]),
        (texts["B"], texts["C"]),
    }
    [tie] = lines(ties)
    assert set(tie["completions"]) == {texts["A"], texts["B"]} and tie["meta"]["labeler"] == "ann"


def test_demonstrations_end_with_what_was_written(scene: Scene) -> None:
    task, ann = scene.task(prompt(), kind="write"), scene.caller("ann")
    ann.label(ann.next(task)["item"]["id"], {"text": "Mine."})
    out = io.BytesIO()
    with scene.database.read() as connection:
        assert exporting.write_demonstrations(exporting.labeled_items(connection, task), out) == (1, 0)
    [one] = [from_json(line) for line in lines(out)]
    assert isinstance(one, Demonstration) and one.completion == "Mine." and one.meta["labeler"] == "ann"


def test_gold_items_stay_inside(scene: Scene) -> None:
    task = scene.task(ranking(0), gold_every=1)
    with scene.database.write() as connection:
        add_items(connection, task, [NewItem(record=ranking(1), gold={"order": [["m0"], ["m1"], ["m2"]]})])
    ann = scene.caller("ann")
    for _ in range(2):
        page = ann.next(task)
        ann.label(page["item"]["id"], scene.rank_answer(page, ("0", "1", "2")))
    assert len(rankings(scene, task)) == 1 and len(rankings(scene, task, gold=True)) == 1
